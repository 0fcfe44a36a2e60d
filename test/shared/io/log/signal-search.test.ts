import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { logStoreOn } from "../../../../shared/io/log/log-store-postgres.ts";
import {
  searchStatement,
  type SearchKey,
  type SignalSearch,
} from "../../../../shared/io/log/search-statement.ts";
import { searchSignals } from "../../../../shared/io/log/signal-search.ts";
import { SearchTooSlowError } from "../../../../shared/io/log/timed-search.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { databaseKinds, migratedDatabase, serverKinds } from "../postgres/databases.ts";
import { at, logged, NO_ROWS, ran, replay, routed } from "./logged.ts";

const SHARD = freshPrefix();
const RUN = crypto.randomUUID();

/** In the order of a search. */
const SIGNALS = [
  logged("7-0", {
    invocation: RUN,
    decided_at: at("00:10:01.000"),
    symbol: "ETHUSDT",
    outcomes: [routed(10)],
  }),
  // Decided in one batch, as most signals are.
  logged("1000-10", {
    decided_at: at("00:05:00.000"),
    status: "ignored",
    reason: "stale",
    outcomes: [routed(10, { status: "ignored", reason: "stale" })],
  }),
  logged("1000-9", { decided_at: at("00:05:00.000"), uid: "same" }),
  logged("999-0", {
    decided_at: at("00:05:00.000"),
    status: "duplicate",
    reason: "duplicate_uid",
    duplicate_of: "1000-9",
    uid: "same",
    outcomes: [routed(10, { status: "ignored", reason: "duplicate_uid" })],
  }),
  logged("8-0", {
    decided_at: at("00:04:00.000"),
    symbol: "ETHUSDT",
    message: "x".repeat(1_000),
    outcomes: [routed(10), routed(11, { status: "ignored", reason: "strategy_disabled" })],
  }),
  logged("7-0", {
    decided_at: at("00:03:00.000"),
    symbol: "ETHUSDT",
    outcomes: [routed(10, { status: "shadow", reason: "shadow" }), routed(11)],
  }),
  logged("6-0", {
    decided_at: at("00:02:30.000"),
    uid: "same:short",
    direction: "flat",
    side: "short",
  }),
  logged("3-0", {
    decided_at: at("00:02:00.000"),
    status: "rejected",
    reason: "missing_field",
    uid: null,
    symbol: null,
  }),
];
const ALL = SIGNALS.map(({ entryId, invocation }) => (invocation === RUN ? `${entryId} run` : entryId));

const OUTCOMES = [
  ran("8-0", { status: "failed", reason: "timeout", attempt: 3 }),
  // Failed first, and executed by a retry: `failed` it is no longer.
  ran("7-0", { strategy_id: 11, status: "failed", reason: "timeout", at: at("00:00:02.500") }),
  ran("7-0", { strategy_id: 11, reason: "refused", retry: "r1" }),
];

const CASES: readonly { what: string; search: SignalSearch; found: readonly string[] }[] = [
  { what: "no condition", search: {}, found: ALL },
  { what: "a symbol", search: { symbol: "ETHUSDT" }, found: ["7-0 run", "8-0", "7-0"] },
  { what: "a symbol that is SQL", search: { symbol: "' OR 1=1 --" }, found: [] },
  { what: "a uid", search: { uid: "same" }, found: ["1000-9", "999-0", "6-0"] },
  { what: "the uid of an exit", search: { uid: "same:short" }, found: ["6-0"] },
  { what: "a status of signals", search: { status: "duplicate" }, found: ["999-0"] },
  { what: "a status signals share with outcomes", search: { status: "ignored" }, found: ["1000-10"] },
  { what: "a status only outcomes have", search: { status: "failed" }, found: ["8-0"] },
  { what: "a reason of signals", search: { reason: "stale" }, found: ["1000-10"] },
  { what: "a reason only outcomes have", search: { reason: "strategy_disabled" }, found: ["8-0"] },
  { what: "both of the same outcome", search: { status: "shadow", reason: "shadow" }, found: ["7-0"] },
  { what: "both, but of two outcomes", search: { status: "failed", reason: "strategy_disabled" }, found: [] },
  { what: "a strategy", search: { strategy: 11 }, found: ["8-0", "7-0"] },
  { what: "an unknown strategy", search: { strategy: 2_147_483_647 }, found: [] },
  { what: "what a strategy did", search: { strategy: 11, status: "executed" }, found: ["7-0"] },
  { what: "what another strategy did", search: { strategy: 11, status: "failed" }, found: [] },
  { what: "a strategy's reason", search: { strategy: 10, reason: "shadow" }, found: ["7-0"] },
  {
    what: "what was decided for a strategy, whatever the signal came to",
    search: { strategy: 11, status: "dispatched" },
    found: ["7-0"],
  },
  {
    what: "a reason that only signals have, with a strategy",
    search: { strategy: 10, reason: "duplicate_uid" },
    found: ["999-0"],
  },
  {
    what: "a strategy with a uid and a symbol",
    search: { strategy: 10, uid: "uid of 8-0", symbol: "ETHUSDT", status: "dispatched" },
    found: ["8-0"],
  },
  { what: "a reason of a handler's own", search: { strategy: 11, reason: "refused" }, found: ["7-0"] },
  {
    what: "a status of the run with a reason of the routing",
    search: { strategy: 10, status: "failed", reason: "shadow" },
    found: [],
  },
  {
    what: "a run's own reason and status",
    search: { strategy: 10, reason: "timeout", status: "failed" },
    found: ["8-0"],
  },
  { what: "a reason of tasks", search: { reason: "timeout" }, found: ["8-0"] },
  {
    what: "a signal's own status with a strategy",
    search: { strategy: 10, status: "duplicate" },
    found: ["999-0"],
  },
  { what: "an invocation", search: { invocation: RUN }, found: ["7-0 run"] },
  { what: "the live ones", search: { invocation: "live" }, found: ALL.slice(1) },
  { what: "an unknown invocation", search: { invocation: "x" }, found: [] },
  { what: "from a time on", search: { from: Date.parse(at("00:05:00.000")) }, found: ALL.slice(0, 4) },
  { what: "up to a time, without it", search: { to: Date.parse(at("00:05:00.000")) }, found: ALL.slice(4) },
  {
    what: "all conditions",
    search: {
      symbol: "ETHUSDT",
      status: "dispatched",
      strategy: 10,
      invocation: "live",
      from: 0,
      to: 253_402_300_799_999,
    },
    found: ["8-0"],
  },
];

describe.each(databaseKinds)("a search in a database of kind $kind", (database) => {
  const db = migratedDatabase(database);
  beforeAll(async () => {
    const rows = {
      ...NO_ROWS,
      signals: SIGNALS.toReversed(),
      outcomes: OUTCOMES,
      invocations: [replay(RUN)],
    };
    await logStoreOn(db, SHARD).write(rows);
    // Signals of another router in the same database, which must not be found.
    await logStoreOn(db, `${SHARD}other`).write({
      ...rows,
      signals: SIGNALS.map((row) => ({ ...row, entryId: `9${row.entryId}` })),
    });
  });

  async function find(search: SignalSearch, countMax = 100, after?: SearchKey) {
    const { signals, next } = await searchSignals(db, { shard: SHARD, search, page: { countMax, after } });
    const names = signals.map(({ entry_id, invocation }) =>
      invocation === RUN ? `${entry_id} run` : entry_id,
    );
    return { signals, names, next };
  }

  it.each(CASES)("for $what finds only that, the newest decision first", async ({ search, found }) => {
    expect((await find(search)).names).toEqual(found);
  });

  it("shows what distinguishes signals, and cuts texts of producers", async () => {
    const { signals } = await find({ symbol: "ETHUSDT", to: Date.parse(at("00:05:00.000")) });
    expect(signals[0]).toStrictEqual({
      entry_id: "8-0",
      invocation: "live",
      uid: "uid of 8-0",
      status: "dispatched",
      reason: null,
      signal_id: 1,
      direction: "long",
      side: null,
      symbol: "ETHUSDT",
      message: "x".repeat(200),
      source: null,
      bar_time: at("00:00:00.000"),
      decided_at: at("00:04:00.000"),
      snapshot: "abc",
      duplicate_of: null,
    });
  });

  it("finds each decision once on pages of any size", async () => {
    const searches = fc.constantFrom(...CASES);
    await fc.assert(
      fc.asyncProperty(searches, fc.integer({ min: 1, max: 8 }), async ({ search, found }, countMax) => {
        const names: string[] = [];
        let after: SearchKey | undefined;
        do {
          const page = await find(search, countMax, after);
          names.push(...page.names);
          after = page.next;
          expect(page.names.length === countMax || after === undefined).toBe(true);
        } while (after !== undefined);
        expect(names).toEqual(found);
      }),
      { numRuns: 40 },
    );
  });

  it("continues after the microsecond at which a page ended, even when rows were removed meanwhile", async () => {
    const shard = freshPrefix();
    const times = ["000009", "000002", "000001"].map((us) => at(`00:00:00.${us}`));
    const signals = times.map((decided_at, n) => logged(`${n}-0`, { decided_at }));
    await logStoreOn(db, shard).write({ ...NO_ROWS, signals });
    const first = await searchSignals(db, { shard, search: {}, page: { countMax: 2 } });
    await db.query("DELETE FROM signal_log WHERE shard = $1 AND entry_id = '1-0'", [shard]);
    const second = await searchSignals(db, { shard, search: {}, page: { countMax: 2, after: first.next } });
    expect([first, second].map((page) => page.signals.map(({ entry_id }) => entry_id))).toEqual([
      ["0-0", "1-0"],
      ["2-0"],
    ]);
  });
});

describe.each(serverKinds)("a search in a database of kind $kind that takes too long", (database) => {
  const db = migratedDatabase(database);

  it("is cancelled, and the connection still works", async () => {
    const search = async (msMax: number) =>
      searchSignals(db, { shard: "", search: {}, page: { countMax: 1 }, msMax });
    await db.readOnly(async (query) => {
      await query("LOCK TABLE signal_log IN ACCESS EXCLUSIVE MODE");
      await expect(search(20)).rejects.toThrow(SearchTooSlowError);
    });
    expect(await search(10_000)).toEqual({ signals: [], next: undefined });
  });
});

describe.each(databaseKinds.filter(({ kind }) => kind === "pg"))(
  "in a database of kind $kind",
  (database) => {
    const planned = migratedDatabase(database);

    it("a page of one strategy is read from the index of its rows in their order, whatever is searched for", async () => {
      await planned.query(
        `INSERT INTO signal_log_entries (shard, entry_id, invocation, strategy_id, stage, status, at)
    SELECT 's', n || '-0', 'live', 1, 'routing', 'dispatched', now() + n * interval '1 ms' FROM generate_series(1, 20000) n`,
      );
      const searches = [
        {},
        { status: "failed" },
        { reason: "stale" },
        { invocation: "live", from: 0 },
      ] as const;
      await planned.query("ANALYZE signal_log_entries");
      for (const search of searches) {
        const page = { countMax: 20 };
        const { sql, params } = searchStatement(planned.table, "s", { strategy: 1, ...search }, page);
        const plan = await planned.query<Record<string, string>>(`EXPLAIN ${sql}`, params);
        const text = plan.map((line) => Object.values(line)[0]).join("\n");
        expect(text).toMatch(/Index Scan Backward using signal_log_entries_strategy_id_at/);
      }
    });
  },
);
