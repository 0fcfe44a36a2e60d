import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { openDatabase } from "../../shared/io/open-database.ts";
import { keysOf, type Keys } from "../../shared/keys.ts";
import { startScript, untilItRuns, type RouterProcess } from "../servers/router-process.ts";
import { addRecords } from "./log-records.ts";
import type { Bench } from "./measure.ts";
import { WORKLOAD } from "./workload.ts";

export interface LogBacklogOptions {
  /** Records of signals that wait when the router starts. */
  readonly count: number;
  readonly driver: "pg" | "neon";
}

export interface LogBacklog {
  /** First read to last acknowledgement. */
  readonly seconds: number;
  readonly signals: number;
  /** Of both tables. */
  readonly rows: number;
}

const LOOK_MS = 10;
const STILL_MS_MAX = 30_000;

/** Lets a router write down a backlog of records. @throws Error when not every row of it is in Postgres afterwards */
export async function persistBacklog(
  bench: Bench,
  { count, driver }: LogBacklogOptions,
): Promise<LogBacklog> {
  const server = await bench.startRedis();
  const database = await bench.freshDatabase();
  const bridge = driver === "neon" ? await bench.startNeonBridge() : undefined;
  const redis = new Redis(server.url);
  const keys = keysOf("");
  let router: RouterProcess | undefined;
  try {
    await addRecords(redis, keys, { count, shape: WORKLOAD });
    await aofAtRest(redis);
    router = startScript("runner/main.ts", {
      REDIS_URL: server.url,
      DATABASE_URL: database.url,
      ...(bridge === undefined ? {} : { NEON_WS_PROXY: bridge.proxy }),
      FUNCTIONS: "persist-log",
      HTTP_PORT: "0",
      HTTP_TOKEN: "only-for-this-run-of-the-bench",
    });
    const [startedAt] = await Promise.all([firstRead(redis, keys), untilItRuns(router)]);
    const endedAt = await allAcknowledged(redis, keys, count);
    const rows = await countRows(database.url, count);
    return { seconds: (endedAt - startedAt) / 1000, signals: count, rows };
  } finally {
    router?.signal("SIGKILL");
    await router?.ended();
    redis.disconnect();
    await server.stop();
    await bridge?.stop();
    await database.drop();
  }
}

/** Filling the stream makes Redis rewrite its AOF, which is not to be measured. */
async function aofAtRest(redis: Redis): Promise<void> {
  while (/aof_rewrite_(?:in_progress|scheduled):1/.test(await redis.info("persistence"))) {
    await pause(LOOK_MS * 10);
  }
}

interface GroupFacts {
  readonly entriesRead: number;
  readonly pending: number;
}

async function groupFacts(redis: Redis, keys: Keys): Promise<GroupFacts | undefined> {
  const [group] = (await redis.xinfo("GROUPS", keys.stream("signal_results"))) as unknown[][];
  if (group === undefined) return undefined;
  const value = (name: string): number => Number(group[group.indexOf(name) + 1] ?? 0);
  return { entriesRead: value("entries-read"), pending: value("pending") };
}

/** The time in ms of the last look at which nothing had been read. */
async function firstRead(redis: Redis, keys: Keys): Promise<number> {
  for (let lookedAt = performance.now(); ;) {
    const lookAt = performance.now();
    const facts = await groupFacts(redis, keys);
    if (facts !== undefined && facts.entriesRead > 0) return lookedAt;
    lookedAt = lookAt;
    await pause(LOOK_MS);
  }
}

/** The time in ms of the first look at which all had been acknowledged. */
async function allAcknowledged(redis: Redis, keys: Keys, count: number): Promise<number> {
  let before = "";
  let changedAt = performance.now();
  for (;;) {
    const facts = await groupFacts(redis, keys);
    const now = performance.now();
    if (facts?.entriesRead === count && facts.pending === 0) return now;
    const seen = JSON.stringify(facts);
    if (seen !== before) changedAt = now;
    else if (now - changedAt > STILL_MS_MAX) throw new Error(`of ${count} records no more than ${seen}`);
    before = seen;
    await pause(LOOK_MS * 2);
  }
}

async function countRows(url: string, count: number): Promise<number> {
  const db = await openDatabase({ url, dataDir: "", onError: () => undefined });
  try {
    const counted = await db.query<{ signals: number; entries: number }>(
      "SELECT (SELECT count(*) FROM signal_log) AS signals, (SELECT count(*) FROM signal_log_entries) AS entries",
    );
    const { signals = 0, entries = 0 } = counted[0] ?? {};
    const expected = count * WORKLOAD.strategiesPerSignal;
    if (signals !== count || entries !== expected) {
      throw new Error(`${count} records became ${signals} signals with ${entries} entries, not ${expected}`);
    }
    return signals + entries;
  } finally {
    await db.close();
  }
}
