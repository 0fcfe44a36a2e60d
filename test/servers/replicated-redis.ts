import { Redis } from "ioredis";
import { vi } from "vitest";
import { startRedis, type RedisServer } from "./redis.ts";
import { startRelay, type Relay } from "./relay.ts";

/** A master with replicas, each behind a relay, for what a fail-over may lose. */
export interface ReplicatedRedis {
  readonly master: Server;
  readonly replicas: readonly Replica[];
  /** As Sentinel does: the replica that has most becomes the master of the others. The former master is left as it is. */
  promote(): Promise<Replica>;
  stop(): Promise<void>;
}

export interface Server {
  readonly url: string;
  readonly port: number;
  /** A connection to it. */
  readonly redis: Redis;
  freeze(): void;
  wake(): void;
}

export interface Replica extends Server {
  /** Between the master and the replica. */
  readonly link: Relay;
}

/** Starts a master and so many replicas, and resolves when these follow it. */
export async function startReplicatedRedis(count: number): Promise<ReplicatedRedis> {
  const started = await Promise.all(
    Array.from({ length: count + 1 }, async () => startRedis({ aof: "off" })),
  );
  const [master, ...others] = started.map(serverOf);
  if (master === undefined) throw new Error("there is no master");
  // Else a replica waits for 5 s whether others come.
  await Promise.all(started.map(async ({ url }) => setAtOnce(url)));
  const replicas = await Promise.all(
    others.map(async (server) => ({ ...server, link: await startRelay(master.port) })),
  );
  for (const { redis, link } of replicas) {
    await redis.replicaof("127.0.0.1", link.port);
    await untilItFollows(redis);
  }
  return {
    master,
    replicas,
    async promote() {
      const offsets = await Promise.all(replicas.map(async ({ redis }) => offsetOf(redis)));
      const promoted = replicas[offsets.indexOf(Math.max(...offsets))];
      if (promoted === undefined) throw new Error("there is no replica");
      for (const { redis, port } of replicas)
        if (port !== promoted.port) await redis.replicaof("127.0.0.1", promoted.port);
      await promoted.redis.replicaof("NO", "ONE");
      return promoted;
    },
    async stop() {
      for (const { redis } of [master, ...replicas]) redis.disconnect();
      await Promise.all([
        ...started.map(async (server) => server.stop()),
        ...replicas.map(async ({ link }) => link.stop()),
      ]);
    },
  };
}

function serverOf({ url, port, pid }: RedisServer): Server {
  const redis = new Redis(url, { maxRetriesPerRequest: null });
  return {
    url,
    port,
    redis,
    freeze: () => void process.kill(pid, "SIGSTOP"),
    wake: () => void process.kill(pid, "SIGCONT"),
  };
}

async function setAtOnce(url: string): Promise<void> {
  const redis = new Redis(url);
  await redis.config("SET", "repl-diskless-sync-delay", "0");
  redis.disconnect();
}

/** Resolves when the replica has all that its master had when it was linked. */
export async function untilItFollows(redis: Redis): Promise<void> {
  await vi.waitFor(async () => {
    const info = await redis.info("replication");
    if (!info.includes("master_link_status:up")) throw new Error(`it does not follow yet:\n${info}`);
  });
}

async function offsetOf(redis: Redis): Promise<number> {
  return Number(/slave_repl_offset:(\d+)/.exec(await redis.info("replication"))?.[1]);
}
