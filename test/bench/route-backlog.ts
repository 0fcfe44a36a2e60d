import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { keysOf, type Keys } from "../../shared/keys.ts";
import type { RedisServer } from "../servers/redis.ts";
import { startScript, untilItRuns, type RouterProcess } from "../servers/router-process.ts";
import type { Bench } from "./measure.ts";
import { startCosting, type RedisCost } from "./redis-cost.ts";
import { addSignals, publishReference, tasksOf, WORKLOAD, type WorkloadShape } from "./workload.ts";

export interface BacklogOptions {
  /** Signals that wait when the routers start. */
  readonly count: number;
  readonly shape?: WorkloadShape;
  /** See {@link Bench.startRedis}. */
  readonly aof?: "everysec" | "off";
  /** Router processes; default 1. */
  readonly routers?: number;
  /** What the routers are started with besides; FUNCTIONS is process-signals, refresh-reference and reclaim. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where the routers are told that Redis is; default: where it is. */
  readonly redisUrlFor?: (server: RedisServer) => Promise<string>;
  /** Called when the signals wait, before the routers start. */
  readonly beforehand?: (state: { redis: Redis; server: RedisServer }) => Promise<void>;
  /** Called when all is decided, before the server and the routers end. */
  readonly inspect?: (state: { redis: Redis; keys: Keys }) => Promise<void>;
}

export interface Backlog {
  /** First read to last commit. */
  readonly seconds: number;
  readonly signals: number;
  readonly tasks: number;
  readonly redis: RedisCost;
  /** The most memory a router had, in MB; undefined where the system does not tell. */
  readonly routerMbMax: number | undefined;
}

const LOOK_MS = 10;
const STILL_MS_MAX = 30_000;

/** Lets routers decide a backlog and counts what came out of it. @throws Error when that is not what had to come out */
export async function routeBacklog(bench: Bench, options: BacklogOptions): Promise<Backlog> {
  const { count, shape = WORKLOAD, aof = "everysec", routers = 1, env = {} } = options;
  const { redisUrlFor, beforehand, inspect } = options;
  const server = await bench.startRedis({ aof });
  const database = await bench.freshDatabase();
  const redis = new Redis(server.url);
  const keys = keysOf("");
  const running: RouterProcess[] = [];
  try {
    await publishReference(redis, keys, shape);
    await addSignals(redis, keys, { count, shape });
    const redisUrl = (await redisUrlFor?.(server)) ?? server.url;
    await beforehand?.({ redis, server });
    const cost = await startCosting(redis);
    for (let router = 0; router < routers; router += 1) {
      running.push(
        startScript("runner/main.ts", {
          REDIS_URL: redisUrl,
          DATABASE_URL: database.url,
          FUNCTIONS: "process-signals,reclaim",
          HTTP_PORT: "0",
          HTTP_TOKEN: "only-for-this-run-of-the-bench",
          ...env,
        }),
      );
    }
    const [startedAt] = await Promise.all([firstRead(redis, keys), ...running.map(untilItRuns)]);
    await allDecided(redis, keys, count);
    const endedAt = await lastCommit(redis, keys);
    const spent = await cost();
    const tasks = await redis.xlen(keys.stream("strategy_input_stream"));
    const expected = tasksOf(count, shape);
    if (tasks !== expected) throw new Error(`${count} signals became ${tasks} tasks, not ${expected}`);
    const memory = await Promise.all(running.map(async ({ pid }) => peakMb(pid)));
    await inspect?.({ redis, keys });
    return {
      seconds: (endedAt - startedAt) / 1000,
      signals: count,
      tasks,
      redis: spent,
      routerMbMax: memory.includes(undefined) ? undefined : Math.max(...memory.map(Number)),
    };
  } finally {
    for (const router of running) router.signal("SIGKILL");
    await Promise.all(running.map(async (router) => router.ended()));
    redis.disconnect();
    await server.stop();
    await database.drop();
  }
}

interface GroupFacts {
  readonly entriesRead: number;
  readonly pending: number;
}

async function groupFacts(redis: Redis, keys: Keys): Promise<GroupFacts | undefined> {
  const groups = (await redis.xinfo("GROUPS", keys.stream("signals_stream"))) as unknown[][];
  const [group] = groups;
  if (group === undefined) return undefined;
  const value = (name: string): number => Number(group[group.indexOf(name) + 1] ?? 0);
  return { entriesRead: value("entries-read"), pending: value("pending") };
}

/** Redis' time in ms of the last look at which nothing had been read. */
async function firstRead(redis: Redis, keys: Keys): Promise<number> {
  for (;;) {
    const [seconds, microseconds] = await redis.time();
    const facts = await groupFacts(redis, keys);
    if (facts !== undefined && facts.entriesRead > 0)
      return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000) - LOOK_MS;
    await pause(LOOK_MS);
  }
}

/** Resolves when as many signals have been decided; few looks, since each takes Redis a moment. */
async function allDecided(redis: Redis, keys: Keys, count: number): Promise<void> {
  let before = -1;
  let changedAt = Date.now();
  for (;;) {
    const decided = await redis.xlen(keys.stream("signal_results"));
    const facts = await groupFacts(redis, keys);
    if (decided === count && facts?.pending === 0) return;
    if (decided > count) throw new Error(`${decided} decisions on ${count} signals`);
    if (decided !== before) changedAt = Date.now();
    else if (Date.now() - changedAt > STILL_MS_MAX) {
      throw new Error(`${decided} of ${count} signals decided, and no more within ${STILL_MS_MAX} ms`);
    }
    before = decided;
    await pause(LOOK_MS * 10);
  }
}

/** Redis' time in ms of the last decision published. */
async function lastCommit(redis: Redis, keys: Keys): Promise<number> {
  const [last] = await redis.xrevrange(keys.stream("signal_results"), "+", "-", "COUNT", 1);
  return Number(last?.[0].split("-")[0]);
}

/** The most memory the process has had so far. */
async function peakMb(pid: number): Promise<number | undefined> {
  try {
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  } catch {
    // Not Linux.
    return undefined;
  }
}
