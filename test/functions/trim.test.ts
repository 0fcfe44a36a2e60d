import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { lossWarnings, trimLog, trimStreams, type StreamTrim } from "../../functions/trim.ts";
import { logRetentionOn } from "../../shared/io/log/log-retention.ts";
import type { Database } from "../../shared/io/postgres/database.ts";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import { streamTrimmerOn, type BehindGroup } from "../../shared/io/streams/stream-trimmer.ts";
import { GROUPS, STREAMS, keysOf, type Keys } from "../../shared/keys.ts";
import type { FreshDatabase } from "../servers/database.ts";
import { migratedDatabase, freshPrefix } from "../servers/fixtures.ts";
import { connectRedis } from "../servers/redis-contents.ts";

const going = new AbortController().signal;
const ENTRIES = 1_000;

let redis: Redis;
let keys: Keys;

beforeAll(() => {
  redis = connectRedis();
});
beforeEach(async () => {
  keys = keysOf(freshPrefix());
  for (const stream of STREAMS) {
    const pipeline = redis.pipeline();
    // Decades old.
    for (let n = 1; n <= ENTRIES; n += 1) pipeline.xadd(keys.stream(stream), `${n}-0`, "n", n);
    await pipeline.exec();
  }
  for (const { stream, group } of GROUPS) await redis.xgroup("CREATE", keys.stream(stream), group, "$");
});
afterAll(() => redis.disconnect());

async function lengths(): Promise<Record<string, number>> {
  const each = STREAMS.map(async (stream) => [stream, await redis.xlen(keys.stream(stream))] as const);
  return Object.fromEntries(await Promise.all(each));
}

const trimmerOf = (stepCountMax: number) =>
  streamTrimmerOn(redis, keys, { retentionMs: 1_000, stepCountMax });

describe("trimming the streams, on a real Redis", () => {
  test("every stream is trimmed to the end, in as many steps as it takes; dead letters are never touched", async () => {
    const trimmer = trimmerOf(200);
    let steps = 0;
    const counting = {
      isFull: async () => trimmer.isFull(),
      step: async (...args: Parameters<typeof trimmer.step>) => {
        steps += 1;
        return trimmer.step(...args);
      },
    };
    const trims = await trimStreams({ trimmer: counting, stopping: going });
    expect(trims).toStrictEqual(
      STREAMS.filter((stream) => stream !== "dead_letters").map((stream) => ({
        stream,
        removed: ENTRIES,
        behind: [],
      })),
    );
    expect(steps).toBe(4 * (ENTRIES / 200 + 1));
    expect(await lengths()).toEqual({
      signals_stream: 0,
      strategy_input_stream: 0,
      signal_results: 0,
      system_events: 0,
      dead_letters: ENTRIES,
    });
  });

  test("a stream that is held back names the groups that do, and the others are trimmed", async () => {
    await redis.xgroup("SETID", keys.stream("signal_results"), "log_writer", "700-0");
    await redis.xgroup("DESTROY", keys.stream("system_events"), "log_writer");
    const trims = await trimStreams({ trimmer: trimmerOf(200), stopping: going });
    expect(trims).toStrictEqual([
      { stream: "signals_stream", removed: ENTRIES, behind: [] },
      { stream: "strategy_input_stream", removed: ENTRIES, behind: [] },
      {
        stream: "signal_results",
        removed: 700,
        behind: [{ group: "log_writer", state: "keeps", from: "701-0" }],
      },
      { stream: "system_events", removed: 0, behind: [{ group: "log_writer", state: "missing" }] },
    ]);
  });

  test("a group that lost entries in an early step is named, even when the last step does not see them", async () => {
    await redis.xgroup("CREATE", keys.stream("signals_stream"), "foreign", "0");
    const [trim] = await trimStreams({ trimmer: trimmerOf(200), stopping: going });
    expect(trim).toStrictEqual({
      stream: "signals_stream",
      removed: ENTRIES,
      behind: [{ group: "foreign", state: "loses", from: "1-0" }],
    });
  });

  test("when the process stops, the rest is left for the next run", async () => {
    const stopping = new AbortController();
    const trimmer = trimmerOf(200);
    const stoppingAfterOne = {
      isFull: async () => trimmer.isFull(),
      step: async (...args: Parameters<typeof trimmer.step>) => {
        stopping.abort();
        return trimmer.step(...args);
      },
    };
    await trimStreams({ trimmer: stoppingAfterOne, stopping: stopping.signal });
    expect(await lengths()).toMatchObject({ signals_stream: ENTRIES - 200, signal_results: ENTRIES });
    await trimStreams({ trimmer, stopping: going });
    expect(await lengths()).toMatchObject({ signals_stream: 0, signal_results: 0 });
  });
});

describe("warning about entries that were lost", () => {
  const trimOf = (...behind: BehindGroup[]): StreamTrim[] => [
    { stream: "signals_stream", removed: 0, behind },
    { stream: "signal_results", removed: 0, behind: [] },
  ];
  const loses: BehindGroup = { group: "foreign", state: "loses", from: "5-0" };
  const keeps: BehindGroup = { group: "foreign", state: "keeps", from: "9-0" };

  /** Messages of each run; before the first, no group was losing. */
  function warningsOf(runs: readonly (readonly StreamTrim[])[]): string[][] {
    let losing: ReadonlySet<string> = new Set();
    return runs.map((run) => {
      const warnings = lossWarnings(run, losing);
      losing = warnings.losing;
      return warnings.events.map(({ level, message }) => `${level} ${message}`);
    });
  }

  test("names group and stream, once until the group has caught up", () => {
    const [first, ...more] = warningsOf([trimOf(loses), trimOf(loses), trimOf(keeps), trimOf(loses)]);
    expect(first).toEqual([expect.stringMatching(/^WARNING group foreign of signals_stream/)]);
    expect(more).toEqual([[], [], []]);
  });

  test("is given again when the group has caught up and falls behind again", () => {
    const counts = warningsOf([trimOf(loses), trimOf(), trimOf(keeps), trimOf(loses)]).map(
      ({ length }) => length,
    );
    expect(counts).toEqual([1, 0, 0, 1]);
  });

  test("is not given for groups that are only late, or missing", () => {
    expect(warningsOf([trimOf(keeps, { group: "log_writer", state: "missing" })])).toEqual([[]]);
  });

  test("is given for each group of each stream", () => {
    const both: StreamTrim[] = [
      { stream: "signals_stream", removed: 0, behind: [loses, { ...loses, group: "other" }] },
      { stream: "signal_results", removed: 0, behind: [loses] },
    ];
    expect(warningsOf([trimOf(loses), both]).map(({ length }) => length)).toEqual([1, 2]);
  });
});

describe("trimming the log, on a real Postgres", () => {
  const DAY_MS = 86_400_000;
  const NOW = Date.parse("2026-03-10T12:00:00Z");
  let fresh: FreshDatabase;
  let database: Database;

  beforeAll(async () => {
    fresh = await migratedDatabase();
    database = await openDatabase({ url: fresh.url, dataDir: "", onError: () => undefined });
  });
  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });

  /** One row in each table for each day before NOW, today's included. */
  async function addDays(days: number): Promise<void> {
    const at = `to_timestamp(${NOW / 1_000}) - n * interval '1 day'`;
    const all = `generate_series(0, ${days - 1}) n`;
    await database.query("TRUNCATE signal_log, signal_log_entries, system_log");
    await database.query(
      `INSERT INTO signal_log (shard, entry_id, invocation, status, raw, received_at, decided_at, snapshot)
       SELECT 's', n || '-0', 'live', 'ignored', '{}', now(), ${at}, 'v' FROM ${all}`,
    );
    await database.query(
      `INSERT INTO signal_log_entries (shard, entry_id, invocation, strategy_id, stage, status, at)
       SELECT 's', n || '-0', 'live', n, 'routing', 'ignored', ${at} FROM ${all}`,
    );
    await database.query(
      `INSERT INTO system_log (event_id, at, level, source, message)
       SELECT gen_random_uuid(), ${at}, 'INFO', 'test', 'm' FROM ${all}`,
    );
  }

  async function counts(): Promise<unknown> {
    const [row] = await database.query(
      `SELECT (SELECT count(*) FROM signal_log) AS signal_log, (SELECT count(*) FROM system_log) AS system_log,
         (SELECT count(*) FROM signal_log_entries) AS signal_log_entries`,
    );
    return row;
  }

  test("rows older than so many days are removed from all three tables, however many steps it takes", async () => {
    await addDays(40);
    const log = logRetentionOn(database, "s", { stepRowsMax: 4 });
    const trimmed = await trimLog({ log, retentionDays: 7, now: NOW, stopping: going });
    // Seven days to the millisecond are not more than seven days.
    const removed = { signal_log_entries: 32, signal_log: 32, system_log: 32 };
    expect(trimmed).toStrictEqual({ removed });
    expect(await counts()).toEqual({ signal_log_entries: 8, signal_log: 8, system_log: 8 });
    expect(await trimLog({ log, retentionDays: 7, now: NOW + DAY_MS, stopping: going })).toStrictEqual({
      removed: { signal_log_entries: 1, signal_log: 1, system_log: 1 },
    });
  });

  test("a Postgres that becomes unavailable in the middle leaves the rest for the next run", async () => {
    await addDays(20);
    const log = logRetentionOn(database, "s");
    const unavailableDb = await openDatabase({ url: fresh.url, dataDir: "", onError: () => undefined });
    await unavailableDb.close();
    const goingAway = {
      step: async (...[table, before]: Parameters<typeof log.step>) =>
        table === "signal_log_entries"
          ? log.step(table, before)
          : logRetentionOn(unavailableDb, "s").step(table, before),
    };
    const options = { retentionDays: 7, now: NOW, stopping: going };
    expect(await trimLog({ log: goingAway, ...options })).toStrictEqual({
      removed: { signal_log_entries: 12, signal_log: 0, system_log: 0 },
      error: expect.any(String),
    });
    expect(await trimLog({ log, ...options })).toStrictEqual({
      removed: { signal_log_entries: 0, signal_log: 12, system_log: 12 },
    });
  });
});
