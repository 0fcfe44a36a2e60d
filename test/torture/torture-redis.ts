import { setTimeout as pause } from "node:timers/promises";
import { startRedisCluster } from "../servers/redis-cluster.ts";
import { untilHolds, type RedisNode } from "../servers/redis-node.ts";
import { startRedisSentinel } from "../servers/redis-sentinel.ts";
import { startRedis, type RedisServer } from "../servers/redis.ts";
import type { Relay } from "../servers/relay.ts";
import { startRelay } from "../servers/relay.ts";
import type { Setting } from "./faults.ts";

/** The Redis of a run, whichever of the three it is. */
export interface TortureRedis {
  readonly setting: Setting;
  readonly keyPrefix: string;
  /** REDIS_URL of the run itself. */
  readonly url: string;
  /** REDIS_URL of each router. */
  readonly routerUrls: readonly string[];
  /** How many replicas must have what was accepted. */
  readonly replicasMin: number;
  /** Each router's network to Redis; none where Redis moves, since every server says itself where it is. */
  readonly relays: readonly Relay[];
  /** The server that has the keys now. */
  master(): Promise<Standing>;
  /** Set where Redis is one server. */
  readonly server?: RedisServer;
  /** Set where Redis moves. */
  readonly moves?: Moves;
  stop(): Promise<void>;
}

/** A server that can be made to stand still. */
export interface Standing {
  readonly url: string;
  freeze(): void;
  wake(): void;
}

/** What makes another server the master. Each step begins once all servers are in their places. */
export interface Moves {
  /** Kills the master; another one is there when it resolves. Gives what starts it again. */
  kill(): Promise<() => Promise<void>>;
  /** The same with SIGSTOP; gives what wakes it. */
  freeze(): Promise<() => Promise<void>>;
  failover(): Promise<void>;
  /** Moves the slot; only a Cluster can. */
  reshard(): Promise<void>;
}

export async function startTortureRedis(setting: Setting, routers: number): Promise<TortureRedis> {
  switch (setting) {
    case "plain":
      return startPlain(routers);
    case "sentinel":
      return startWatched(routers);
    case "cluster":
      return startClustered(routers);
  }
}

const AWAKE_MS = 1_000;
const TAGGED = "{torture}:";

async function startPlain(routers: number): Promise<TortureRedis> {
  const server = await startRedis();
  const relays = await Promise.all(Array.from({ length: routers }, async () => startRelay(server.port)));
  return {
    setting: "plain",
    keyPrefix: "torture:",
    url: server.url,
    routerUrls: relays.map(({ port }) => `redis://127.0.0.1:${port}`),
    replicasMin: 0,
    relays,
    async master() {
      return {
        url: server.url,
        freeze: () => void process.kill(server.pid, "SIGSTOP"),
        wake: () => void process.kill(server.pid, "SIGCONT"),
      };
    },
    server,
    async stop() {
      await Promise.all(relays.map(async (relay) => relay.stop()));
      await server.stop();
    },
  };
}

async function startWatched(routers: number): Promise<TortureRedis> {
  // With two, the one that has not confirmed may be promoted: one replica must have it, so there is one.
  const watched = await startRedisSentinel(1);
  const whole = async () => {
    await watched.untilWhole();
    return watched.master();
  };
  /** A Sentinel takes 10 s until it makes a former master a replica; meanwhile no replica could confirm anything. */
  const demote = async (former: RedisNode): Promise<void> => {
    const { port } = await watched.master();
    await untilHolds("the former master is a replica", async () => {
      await former.redis.replicaof("127.0.0.1", port);
      return true;
    });
  };
  return {
    ...moving("sentinel", watched.url, routers),
    master: async () => watched.master(),
    moves: {
      async kill() {
        const master = await whole();
        await master.kill();
        await watched.untilOtherMaster(master);
        return async () => {
          await master.start();
          await demote(master);
        };
      },
      async freeze() {
        const master = await whole();
        master.freeze();
        await watched.untilOtherMaster(master);
        return async () => {
          master.wake();
          // It goes on answering as a master.
          await pause(AWAKE_MS);
          await demote(master);
        };
      },
      async failover() {
        await whole();
        await watched.failover();
      },
      async reshard() {
        throw new Error("there are no slots without a Cluster");
      },
    },
    stop: async () => watched.stop(),
  };
}

async function startClustered(routers: number): Promise<TortureRedis> {
  const cluster = await startRedisCluster();
  const whole = async () => {
    await cluster.untilWhole();
    return cluster.ownerOf(TAGGED);
  };
  return {
    ...moving("cluster", cluster.url, routers),
    master: async () => cluster.ownerOf(TAGGED),
    moves: {
      async kill() {
        const master = await whole();
        await master.kill();
        await cluster.untilOwnedByOther(TAGGED, master);
        return async () => master.start();
      },
      async freeze() {
        const master = await whole();
        master.freeze();
        await cluster.untilOwnedByOther(TAGGED, master);
        return async () => master.wake();
      },
      async failover() {
        await whole();
        await cluster.failover(TAGGED);
      },
      async reshard() {
        await whole();
        await cluster.moveSlot(TAGGED);
      },
    },
    stop: async () => cluster.stop(),
  };
}

function moving(setting: Setting, url: string, routers: number) {
  return {
    setting,
    keyPrefix: TAGGED,
    url,
    routerUrls: Array.from({ length: routers }, () => url),
    replicasMin: 1,
    relays: [],
  };
}
