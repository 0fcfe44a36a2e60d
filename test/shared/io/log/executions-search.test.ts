import { beforeAll, describe, expect, it } from "vitest";
import { readEntryExecutions } from "../../../../shared/io/log/executions-of-entry.ts";
import { searchExecutions } from "../../../../shared/io/log/executions-search.ts";
import type { ExecutionKey, ExecutionSearch } from "../../../../shared/io/log/executions-statement.ts";
import { logStoreOn } from "../../../../shared/io/log/log-store-postgres.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { databaseKinds, migratedDatabase } from "../postgres/databases.ts";
import { at, logged, NO_ROWS, ran, replay, routed } from "./logged.ts";

const SHARD = freshPrefix();

const OUTCOMES = [
  ran("4-0", { at: at("00:09:00.000"), status: "failed", reason: "timeout", detail: { error: "late" } }),
  // Failed first, and executed by a retry.
  ran("3-0", { at: at("00:08:00.000"), status: "executed", retry: "r2" }),
  ran("3-0", { at: at("00:04:00.000"), status: "failed", reason: "error" }),
  // At the same time, as in one batch; and failed again by a retry.
  ran("10-0", { at: at("00:07:00.000"), status: "failed", reason: "error", retry: "r1", strategy_id: 11 }),
  ran("9-0", { at: at("00:07:00.000"), status: "ignored", reason: "paused" }),
  ran("10-0", { at: at("00:03:00.000"), status: "failed", reason: "timeout", strategy_id: 11 }),
  ran("1-0", { at: at("00:02:00.000"), status: "delegated" }),
];
const SIGNALS = ["1-0", "3-0", "4-0", "9-0", "10-0"].map((id) =>
  logged(id, { symbol: id === "4-0" ? "ETHUSDT" : "BTCUSDT", outcomes: [routed(10), routed(11)] }),
);
const RETRIES = ["r1", "r2"].map((id) =>
  replay(id, {
    kind: "retry",
    mode: null,
    selection: {
      shard: SHARD,
      entry_id: id === "r1" ? "10-0" : "3-0",
      invocation: "live",
      strategy_id: id === "r1" ? 11 : 10,
    },
  }),
);

const ALL = ["4-0 10", "3-0 10", "10-0 11", "9-0 10", "1-0 10"];
const CASES: readonly { what: string; search: ExecutionSearch; found: readonly string[] }[] = [
  { what: "everything, each task once, as it is now", search: {}, found: ALL },
  {
    what: "those that failed and were not put right",
    search: { status: "failed" },
    found: ["4-0 10", "10-0 11"],
  },
  { what: "a reason of the newest run", search: { reason: "timeout" }, found: ["4-0 10"] },
  { what: "a strategy", search: { strategy: 11 }, found: ["10-0 11"] },
  { what: "a symbol", search: { symbol: "ETHUSDT" }, found: ["4-0 10"] },
  {
    what: "a time",
    search: { from: Date.parse(at("00:07:00.000")), to: Date.parse(at("00:08:00.000")) },
    found: ["10-0 11", "9-0 10"],
  },
];

/** Neon's driver runs the same SQL on the same Postgres as pg. */
const KINDS = databaseKinds.filter(({ kind }) => kind !== "neon");

describe.each(KINDS)("executions in a database of kind $kind", (database) => {
  const db = migratedDatabase(database);
  beforeAll(async () => {
    const rows = { ...NO_ROWS, signals: SIGNALS, outcomes: OUTCOMES, invocations: RETRIES };
    await logStoreOn(db, SHARD).write(rows);
    await logStoreOn(db, freshPrefix()).write(rows);
  });

  async function pageOf(search: ExecutionSearch, countMax: number, after?: ExecutionKey) {
    return searchExecutions(db, { shard: SHARD, search, page: { countMax, after } });
  }

  it.each(CASES)("are found by $what", async ({ search, found }) => {
    const { executions, next } = await pageOf(search, 50);
    expect(executions.map(({ entry_id, strategy_id }) => `${entry_id} ${strategy_id}`)).toEqual(found);
    expect(next).toBeUndefined();
  });

  it("are found once each, page by page", async () => {
    const found: string[] = [];
    let after: ExecutionKey | undefined;
    do {
      const page = await pageOf({}, 1, after);
      found.push(...page.executions.map(({ entry_id, strategy_id }) => `${entry_id} ${strategy_id}`));
      after = page.next;
    } while (after !== undefined);
    expect(found).toEqual(ALL);
  });

  it("show what the task came to, and in which retry", async () => {
    const { executions } = await pageOf({}, 2);
    expect(executions).toMatchObject([
      {
        status: "failed",
        reason: "timeout",
        error: "late",
        retry: null,
        symbol: "ETHUSDT",
        direction: "long",
      },
      { status: "executed", retry: "r2", at: at("00:08:00.000") },
    ]);
  });

  it("of an entry are its dispatched tasks with every run and who asked for it", async () => {
    const { tasks } = await readEntryExecutions(db, SHARD, "10-0");
    expect(tasks.map(({ strategyId, runs, retries }) => [strategyId, runs.length, retries.length])).toEqual([
      [10, 0, 0],
      [11, 2, 1],
    ]);
    expect(tasks[1]?.runs[1]?.retry).toMatchObject({ id: "r1", by: "ann", reason: "the broker was down" });
    expect(tasks[1]?.decision).toMatchObject({ uid: "uid of 10-0", forcedAt: null });
  });

  it("of one task are complete, however much the log has about its entry", async () => {
    const attempts = `INSERT INTO signal_log_entries (shard, entry_id, invocation, strategy_id, stage, status, detail, at, part)
      SELECT $1, '10-0', 'live', 9, 'attempt', 'failed', '{}', now(), '4-4 ' || n FROM generate_series(1, 5000) n`;
    await db.query(attempts, [SHARD]);
    const all = await readEntryExecutions(db, SHARD, "10-0");
    expect(all.tasks.flatMap(({ runs }) => runs)).toEqual([]);
    const { tasks } = await readEntryExecutions(db, SHARD, "10-0", { strategyId: 11, invocation: "live" });
    expect(tasks.map(({ strategyId, runs, retries }) => [strategyId, runs.length, retries.length])).toEqual([
      [11, 2, 1],
    ]);
  });
});
