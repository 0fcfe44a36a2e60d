import { writeFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { findRedisServer } from "../../runner/local/find-redis.ts";
import { serverFolder } from "./folder.ts";
import { freePort, startProcess } from "./process.ts";
import { infoOf, startNode, untilHolds, type RedisNode } from "./redis-node.ts";

/** A master with replicas, and three Sentinels that watch them. */
export interface RedisSentinel {
  readonly nodes: readonly RedisNode[];
  /** The Sentinels, as REDIS_URL takes them. */
  readonly url: string;
  /** The server that the Sentinels name as master. */
  master(): Promise<RedisNode>;
  /** Resolves when the Sentinels name another one than this, and it takes writes. */
  untilOtherMaster(before: RedisNode): Promise<RedisNode>;
  /** As an operator does it: SENTINEL FAILOVER, while the master is well. */
  failover(): Promise<RedisNode>;
  /** Resolves when every other server is a replica that follows the master. */
  untilWhole(): Promise<void>;
  stop(): Promise<void>;
}

export const MASTER_NAME = "signals";
const SENTINELS = 3;
/** A master that has not answered for so long is down. */
const DOWN_AFTER_MS = 1_000;

/** Starts a master, so many replicas and three Sentinels, and resolves when these know each other. */
export async function startRedisSentinel(replicas = 2): Promise<RedisSentinel> {
  const ended: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => void (await Promise.all(ended.map(async (end) => end())));
  try {
    const nodes = await Promise.all(
      Array.from({ length: replicas + 1 }, async () => {
        const node = await startNode();
        ended.push(async () => node.stop());
        return node;
      }),
    );
    const [master, ...others] = nodes;
    if (master === undefined) throw new Error("there is no master");
    await Promise.all(others.map(async ({ redis }) => redis.replicaof("127.0.0.1", master.port)));
    await untilHolds("the replicas follow the master", async () => areLinked(others));
    const sentinels = await Promise.all(
      Array.from({ length: SENTINELS }, async () => {
        const sentinel = await startSentinel(master.port);
        ended.push(async () => sentinel.stop());
        return sentinel;
      }),
    );
    const watched = watchedBy(sentinels, nodes);
    await untilHolds("the Sentinels know each other and the replicas", async () => {
      const known = await Promise.all(
        sentinels.map(async ({ redis }) => {
          const seen = fieldsOf((await redis.call("SENTINEL", "MASTER", MASTER_NAME)) as string[]);
          return [seen["num-slaves"], seen["num-other-sentinels"]].join();
        }),
      );
      return known.every((counts) => counts === `${replicas},${SENTINELS - 1}`);
    });
    return { ...watched, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function watchedBy(sentinels: readonly Sentinel[], nodes: readonly RedisNode[]): Omit<RedisSentinel, "stop"> {
  async function master(): Promise<RedisNode> {
    const ports = await Promise.all(
      sentinels.map(async ({ redis }) => {
        const address = await redis.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER_NAME);
        return Number((address as string[])[1]);
      }),
    );
    // One that has not heard of a fail-over yet still names the former master.
    const found = nodes.find(({ port }) => ports.every((named) => named === port));
    if (found === undefined) throw new Error(`the Sentinels name different masters: ${ports.join(", ")}`);
    return found;
  }

  async function untilOtherMaster(before: RedisNode): Promise<RedisNode> {
    let current = before;
    await untilHolds(`the Sentinels name another master than ${before.port}`, async () => {
      current = await master();
      return current !== before && (await infoOf(current.redis, "replication", "role")) === "master";
    });
    return current;
  }

  return {
    nodes,
    url: `redis-sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/${MASTER_NAME}`,
    master,
    untilOtherMaster,
    async failover() {
      const before = await master();
      await untilHolds("a Sentinel begins the fail-over", async () => {
        await sentinels[0]?.redis.call("SENTINEL", "FAILOVER", MASTER_NAME);
        return true;
      });
      return untilOtherMaster(before);
    },
    async untilWhole() {
      await untilHolds("every other server follows the master", async () => {
        const current = await master();
        return areLinked(nodes.filter((node) => node !== current));
      });
    },
  };
}

interface Sentinel {
  readonly port: number;
  readonly redis: Redis;
  stop(): Promise<void>;
}

async function startSentinel(masterPort: number): Promise<Sentinel> {
  const command = await findRedisServer({ env: process.env });
  const port = await freePort();
  const dir = await serverFolder("sentinel");
  const remove = async (): Promise<void> => rm(dir, { recursive: true, force: true });
  // A Sentinel writes what it learns into its configuration.
  const path = join(dir, "sentinel.conf");
  const lines = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${dir}`,
    `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${MASTER_NAME} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${MASTER_NAME} 3000`,
    `sentinel parallel-syncs ${MASTER_NAME} 2`,
  ];
  await writeFile(path, `${lines.join("\n")}\n`);
  const server = await startProcess({
    command,
    args: [path, "--sentinel"],
    readyText: "+monitor master",
  }).catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  const redis = new Redis(port, "127.0.0.1", { maxRetriesPerRequest: 0, retryStrategy: () => 50 });
  redis.on("error", () => undefined);
  return {
    port,
    redis,
    async stop() {
      redis.disconnect();
      await server.end("SIGKILL");
      await remove();
    },
  };
}

async function areLinked(replicas: readonly RedisNode[]): Promise<boolean> {
  const states = await Promise.all(
    replicas.map(async ({ redis }) => infoOf(redis, "replication", "master_link_status")),
  );
  return states.every((state) => state === "up");
}

function fieldsOf(flat: readonly string[]): Record<string, string | undefined> {
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]]] : [])));
}
