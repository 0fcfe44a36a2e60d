import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { logStoreOn } from "../../../../shared/io/log/log-store-postgres.ts";
import type { Database } from "../../../../shared/io/postgres/database.ts";
import type { EventRow, LogRows, OutcomeRow, SignalRow } from "../../../../shared/log-rows.ts";
import type { InvocationRecord } from "../../../../shared/records.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { databaseKinds, type TestDatabase } from "../postgres/databases.ts";

const AT = "2026-01-02T03:04:05.678Z";
const ROUTED = {
  strategy_id: 7,
  strategy: "seven",
  status: "ignored",
  reason: "paused",
  detail: { by: "op" },
} as const;
const NOTHING: LogRows = { signals: [], outcomes: [], invocations: [], events: [] };

function signal(entryId: string, record: Partial<SignalRow["record"]> = {}): SignalRow {
  const defaults: SignalRow["record"] = {
    duplicate_of: null,
    uid: `uid of ${entryId}`,
    status: "dispatched",
    reason: null,
    detail: { age_ms: 12 },
    signal_id: 3,
    direction: "long",
    symbol: "BTCUSDT",
    message: "EMA_CROSS_LONG",
    source: "tradingview",
    raw: { message: 'it\'s "quoted" \\ {1,2}\nünï', empty: "" },
    bar_time: AT,
    sent_at: null,
    received_at: AT,
    decided_at: AT,
    snapshot: "abc",
    outcomes: [],
  };
  return { entryId, invocation: "live", record: { ...defaults, ...record } };
}

function outcome(entryId: string, record: Partial<OutcomeRow["record"]> = {}): OutcomeRow {
  const detail = { order: "o-1" };
  const defaults = {
    strategy_id: 7,
    status: "executed",
    reason: null,
    detail,
    attempt: 1,
    duration_ms: 25,
    at: AT,
  } as const;
  return { entryId, invocation: "live", record: { ...defaults, ...record } };
}

function event(eventId: string, row: Partial<EventRow> = {}): EventRow {
  const defaults = {
    at: AT,
    level: "INFO",
    source: "runner",
    message: "started",
    details: { n: 1 },
    actionFlag: true,
  };
  return { eventId, ...defaults, ...row };
}

function invocation(id: string, record: Partial<InvocationRecord> = {}): InvocationRecord {
  const defaults: InvocationRecord = {
    id,
    kind: "dead_letter",
    mode: null,
    snapshot: "abc",
    requested_by: "ann",
    reason: "the constraint is gone",
    selection: { dead_letters: ["1-0"] },
    started_at: AT,
    finished_at: null,
    counts: null,
  };
  return { ...defaults, ...record };
}

describe.each(databaseKinds)("the log in a database of kind $kind", ({ create }) => {
  let place: TestDatabase;
  let db: Database;
  beforeAll(async () => {
    place = await create();
    db = await place.open();
    await db.migrate();
  });
  afterAll(async () => {
    await db.close();
    await place.remove();
  });
  const stored = (table: string, shard: string) =>
    db.query(`SELECT * FROM ${table} WHERE shard = $1 ORDER BY entry_id, invocation`, [shard]);

  it("stores every field of a signal", async () => {
    const shard = freshPrefix();
    const row = signal("1-0");
    expect(await logStoreOn(db, shard).write({ ...NOTHING, signals: [row] })).toStrictEqual({
      status: "stored",
      conflicts: [],
    });
    const { outcomes: _, ...fields } = row.record;
    const at = new Date(AT);
    const times = { bar_time: at, received_at: at, decided_at: at, logged_at: expect.any(Date) };
    expect(await stored("signal_log", shard)).toStrictEqual([
      { ...fields, ...times, shard, entry_id: "1-0", invocation: "live" },
    ]);
  });

  it("stores a rejected signal, of which hardly anything is known", async () => {
    const shard = freshPrefix();
    const unknown = {
      uid: null,
      signal_id: null,
      direction: null,
      symbol: null,
      message: null,
      source: null,
      bar_time: null,
    };
    const row = signal("1-0", { ...unknown, status: "rejected", reason: "missing_field", raw: {} });
    await logStoreOn(db, shard).write({ ...NOTHING, signals: [row] });
    expect(await stored("signal_log", shard)).toMatchObject([
      { ...unknown, reason: "missing_field", raw: {} },
    ]);
  });

  it("takes a worker's report in place of delegated, in whatever order they come, and nothing in place of that", async () => {
    const delegated = outcome("1-0", { status: "delegated" });
    const report = outcome("1-0", { status: "failed", reason: "no_margin" });
    const later = outcome("1-0", { status: "executed" });
    for (const batches of [
      [[delegated], [report]],
      [[report], [delegated]],
      [[delegated, report]],
      [[report], [later]],
      [[report, later]],
      [[delegated, report, later]],
    ]) {
      const shard = freshPrefix();
      for (const outcomes of batches) await logStoreOn(db, shard).write({ ...NOTHING, outcomes });
      expect(await stored("signal_log_entries", shard)).toMatchObject([
        { status: "failed", reason: "no_margin" },
      ]);
    }
  });

  it("keeps the first of two reports on a task that come in one batch among others", async () => {
    const shard = freshPrefix();
    const tasks = Array.from({ length: 50 }, (_, i) => 50 - i);
    const reports = (status: "failed" | "executed") =>
      tasks.map((strategy_id) => outcome("1-0", { strategy_id, status }));
    await logStoreOn(db, shard).write({
      ...NOTHING,
      outcomes: [...reports("failed"), ...reports("executed")],
    });
    expect(await stored("signal_log_entries", shard)).toMatchObject(tasks.map(() => ({ status: "failed" })));
  });

  it("stores what was decided and what was done for a strategy side by side", async () => {
    const shard = freshPrefix();
    const rows = { ...NOTHING, signals: [signal("1-0", { outcomes: [ROUTED] })], outcomes: [outcome("1-0")] };
    await logStoreOn(db, shard).write(rows);
    const key = {
      shard,
      entry_id: "1-0",
      invocation: "live",
      strategy_id: 7,
      at: new Date(AT),
      logged_at: expect.any(Date),
    };
    const routed = {
      status: "ignored",
      reason: "paused",
      detail: { by: "op" },
      attempt: null,
      duration_ms: null,
    };
    const done = { status: "executed", reason: null, detail: { order: "o-1" }, attempt: 1, duration_ms: 25 };
    const entries = await stored("signal_log_entries", shard);
    expect(entries).toHaveLength(2);
    expect(entries).toContainEqual({ ...key, stage: "routing", ...routed });
    expect(entries).toContainEqual({ ...key, stage: "execution", ...done });
  });

  it("stores the decisions for strategies with the signal each belongs to", async () => {
    const shard = freshPrefix();
    const decided = (entryId: string, second: number, strategies: readonly number[]) =>
      signal(entryId, {
        decided_at: `2026-01-02T03:04:0${second}.000Z`,
        outcomes: strategies.map((strategy_id) => ({ ...ROUTED, strategy_id })),
      });
    const log = logStoreOn(db, shard);
    const [first, second, third] = [
      decided("1-0", 1, [7, 8]),
      decided("2-0", 2, []),
      decided("3-0", 3, [9, 7]),
    ];
    await log.write({ ...NOTHING, signals: [first] });
    await log.write({ ...NOTHING, signals: [first, second, { ...third, invocation: "replay-1" }, third] });
    expect(
      await db.query(
        `SELECT entry_id, invocation, strategy_id, at FROM signal_log_entries WHERE shard = $1
         ORDER BY entry_id, invocation, strategy_id`,
        [shard],
      ),
    ).toStrictEqual(
      [
        { entry_id: "1-0", invocation: "live", strategies: [7, 8] },
        { entry_id: "3-0", invocation: "live", strategies: [7, 9] },
        { entry_id: "3-0", invocation: "replay-1", strategies: [7, 9] },
      ].flatMap(({ strategies, ...key }) =>
        strategies.map((strategy_id) => ({
          ...key,
          strategy_id,
          at: new Date(`2026-01-02T03:04:0${key.entry_id === "1-0" ? 1 : 3}.000Z`),
        })),
      ),
    );
  });

  it("stores events", async () => {
    const eventId = crypto.randomUUID();
    await logStoreOn(db, "").write({ ...NOTHING, events: [event(eventId)] });
    expect(await db.query("SELECT * FROM system_log WHERE event_id = $1", [eventId])).toStrictEqual([
      {
        event_id: eventId,
        at: new Date(AT),
        level: "INFO",
        source: "runner",
        message: "started",
        details: { n: 1 },
        action_flag: true,
      },
    ]);
  });

  it("stores an invocation with its end, in whichever order the two come, together or apart, once", async () => {
    const log = logStoreOn(db, "");
    const end = { finished_at: "2026-01-02T03:05:00.000Z", counts: { done: 1, left: 0 } };
    for (const writes of [
      [["start"], ["end"]],
      [["end"], ["start"]],
      [["start", "end"]],
      [["end", "start"]],
      [["start"], ["end", "start"], ["start"], ["end"]],
    ]) {
      const id = crypto.randomUUID();
      const [start, whole] = [invocation(id), invocation(id, end)];
      for (const names of writes) {
        const invocations = names.map((name) => (name === "start" ? start : whole));
        expect(await log.write({ ...NOTHING, invocations })).toMatchObject({ status: "stored" });
      }
      expect(await db.query("SELECT * FROM invocations WHERE id = $1", [id])).toStrictEqual([
        { ...whole, started_at: new Date(AT), finished_at: new Date(end.finished_at) },
      ]);
    }
  });

  it("leaves what is not known of an invocation that was broken off empty", async () => {
    const id = crypto.randomUUID();
    const unknown = { snapshot: null, requested_by: null, reason: null, selection: {} };
    await logStoreOn(db, "").write({ ...NOTHING, invocations: [invocation(id, unknown)] });
    expect(await db.query("SELECT * FROM invocations WHERE id = $1 AND counts IS NULL", [id])).toStrictEqual([
      { ...invocation(id, unknown), started_at: new Date(AT) },
    ]);
  });

  it("changes nothing when the same rows are written again", async () => {
    const shard = freshPrefix();
    const log = logStoreOn(db, shard);
    const rows = {
      signals: [signal("1-0", { outcomes: [ROUTED] }), signal("2-0")],
      outcomes: [outcome("1-0")],
      invocations: [invocation(crypto.randomUUID())],
      events: [event(crypto.randomUUID())],
    };
    await log.write(rows);
    const before = [await stored("signal_log", shard), await stored("signal_log_entries", shard)];
    expect(await log.write(rows)).toStrictEqual({ status: "stored", conflicts: [] });
    expect([await stored("signal_log", shard), await stored("signal_log_entries", shard)]).toStrictEqual(
      before,
    );
  });

  it("adds the rows that are missing to those that are there", async () => {
    const shard = freshPrefix();
    const log = logStoreOn(db, shard);
    await log.write({ ...NOTHING, signals: [signal("1-0")] });
    await log.write({ ...NOTHING, signals: [signal("1-0"), signal("2-0")] });
    expect(await stored("signal_log", shard)).toMatchObject([{ entry_id: "1-0" }, { entry_id: "2-0" }]);
  });

  it("keeps invocations and shards apart", async () => {
    const shards = [freshPrefix(), freshPrefix()];
    for (const shard of shards) {
      const signals = [
        signal("1-0", { uid: shard }),
        { ...signal("1-0", { uid: "replayed" }), invocation: "replay-1" },
      ];
      expect(await logStoreOn(db, shard).write({ ...NOTHING, signals })).toStrictEqual({
        status: "stored",
        conflicts: [],
      });
      expect(await stored("signal_log", shard)).toMatchObject([{ uid: shard }, { uid: "replayed" }]);
    }
  });

  it("reports rows that were there for another uid, keeps those, and stores the others", async () => {
    const shard = freshPrefix();
    const log = logStoreOn(db, shard);
    await log.write({ ...NOTHING, signals: [signal("1-0"), signal("2-0", { uid: null }), signal("3-0")] });
    const signals = ["1-0", "2-0", "3-0", "4-0"].map((entryId) => signal(entryId, { uid: "new" }));
    const answer = await log.write({
      ...NOTHING,
      signals: [...signals.slice(0, 2), signal("3-0"), ...signals.slice(3)],
    });
    expect(answer).toStrictEqual({
      status: "stored",
      conflicts: expect.arrayContaining([
        { entryId: "1-0", invocation: "live", storedUid: "uid of 1-0", storedStatus: "dispatched" },
        { entryId: "2-0", invocation: "live", storedUid: null, storedStatus: "dispatched" },
      ]),
    });
    expect(answer).toHaveProperty("conflicts.length", 2);
    expect(await stored("signal_log", shard)).toMatchObject([
      { uid: "uid of 1-0" },
      { uid: null },
      { uid: "uid of 3-0" },
      { uid: "new" },
    ]);
  });

  it("reports two uids under one key also when both come at once", async () => {
    const shard = freshPrefix();
    const signals = [signal("1-0", { uid: "a" }), signal("1-0", { uid: "b" })];
    expect(await logStoreOn(db, shard).write({ ...NOTHING, signals })).toStrictEqual({
      status: "stored",
      conflicts: [{ entryId: "1-0", invocation: "live", storedUid: "a", storedStatus: "dispatched" }],
    });
  });

  /** The strategies that something is stored for, as `entry: strategy`. */
  const strategies = async (shard: string) => {
    const rows = await db.query<{ entry: string }>(
      `SELECT entry_id || ': ' || strategy_id AS entry FROM signal_log_entries WHERE shard = $1 ORDER BY entry`,
      [shard],
    );
    return rows.map(({ entry }) => entry);
  };
  const decidedFor = (strategyIds: readonly number[]) => ({
    outcomes: strategyIds.map((strategy_id) => ({ ...ROUTED, strategy_id })),
  });

  it.each([
    { what: "another uid", stored: { uid: "a" }, given: { uid: "b" } },
    { what: "no uid", stored: { uid: null }, given: { uid: "b" } },
    { what: "another status", stored: { status: "ignored" }, given: { status: "dispatched" } },
  ] as const)(
    "gives a row with $what no strategies that were not its own",
    async ({ stored: old, given }) => {
      const shard = freshPrefix();
      const log = logStoreOn(db, shard);
      await log.write({ ...NOTHING, signals: [signal("1-0", old)] });
      const signals = [signal("1-0", { ...given, ...decidedFor([7, 9]) }), signal("2-0", decidedFor([8]))];
      for (let times = 0; times < 2; times += 1) {
        expect(await log.write({ ...NOTHING, signals })).toHaveProperty("conflicts.length", 1);
        expect(await strategies(shard)).toStrictEqual(["2-0: 8"]);
      }
    },
  );

  it("gives the first of two decisions on one entry in one batch its own strategies only", async () => {
    for (const [first, second] of [
      [{ uid: "a" }, { uid: "b" }],
      [{ uid: "b" }, { uid: "a" }],
      [{ uid: "a" }, { uid: null }],
      [{ status: "dispatched" }, { status: "ignored" }],
    ] as const) {
      const shard = freshPrefix();
      const signals = [
        signal("2-0", decidedFor([5])),
        signal("1-0", { ...first, ...decidedFor([7, 8]) }),
        signal("1-0", { ...second, ...decidedFor([8, 9]) }),
      ];
      for (let times = 0; times < 2; times += 1) {
        const answer = await logStoreOn(db, shard).write({ ...NOTHING, signals });
        expect(answer).toHaveProperty("conflicts.length", 1);
        expect(await strategies(shard)).toStrictEqual(["1-0: 7", "1-0: 8", "2-0: 5"]);
      }
    }
  });

  it("stores the strategies of a signal that was stored without them, beside a conflict", async () => {
    const shard = freshPrefix();
    const log = logStoreOn(db, shard);
    const bare = ["1-0", "2-0", "3-0"].map((entryId) => signal(entryId, { uid: null }));
    await log.write({ ...NOTHING, signals: bare });
    const signals = [
      signal("1-0", { uid: null, ...decidedFor([7, 8]) }),
      signal("2-0", { uid: "other", ...decidedFor([7]) }),
      signal("3-0", { uid: null, ...decidedFor([]) }),
      signal("4-0", decidedFor([9])),
    ];
    expect(await log.write({ ...NOTHING, signals })).toHaveProperty("conflicts.length", 1);
    expect(await strategies(shard)).toStrictEqual(["1-0: 7", "1-0: 8", "4-0: 9"]);
    expect(
      await db.query(
        "SELECT DISTINCT stage, status, reason, detail, at FROM signal_log_entries WHERE shard = $1",
        [shard],
      ),
    ).toStrictEqual([
      { stage: "routing", status: "ignored", reason: "paused", detail: { by: "op" }, at: new Date(AT) },
    ]);
  });

  it("stores a row that was deleted when it was looked for", async () => {
    const shard = freshPrefix();
    const signals = [signal("1-0", { uid: "new" })];
    await logStoreOn(db, shard).write({ ...NOTHING, signals: [signal("1-0", { uid: "old" })] });
    let statements = 0;
    const losing: Database["query"] = async (sql, params) => {
      // The first finds that the row is there already; what it says is asked next.
      if ((statements += 1) === 2) await db.query("DELETE FROM signal_log WHERE shard = $1", [shard]);
      return db.query(sql, params);
    };
    const answer = await logStoreOn({ ...db, query: losing }, shard).write({ ...NOTHING, signals });
    expect(answer).toStrictEqual({ status: "stored", conflicts: [] });
    expect(await stored("signal_log", shard)).toMatchObject([{ uid: "new" }]);
  });

  it("answers unavailable when the table swallows rows", async () => {
    await db.query("CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'");
    await db.query(
      "CREATE TRIGGER swallows BEFORE INSERT ON signal_log FOR EACH ROW EXECUTE FUNCTION swallow()",
    );
    const answer = await logStoreOn(db, freshPrefix()).write({ ...NOTHING, signals: [signal("1-0")] });
    await db.query("DROP FUNCTION swallow() CASCADE");
    expect(answer).toStrictEqual({ status: "unavailable", error: expect.stringContaining("trigger") });
  });

  it.each<{ what: string; rows: Partial<LogRows>; sqlstate: string }>([
    {
      what: "a NUL character in JSON",
      rows: { signals: [signal("1-0", { raw: { message: "s3cret\u0000" } })] },
      sqlstate: "22P05",
    },
    {
      what: "half a character",
      rows: { signals: [signal("1-0", { message: "s3cret\ud800" })] },
      sqlstate: "22P02",
    },
    {
      what: "a time that is none",
      rows: { signals: [signal("1-0", { bar_time: "s3cret" })] },
      sqlstate: "22007",
    },
    {
      what: "an unknown status of a strategy, and with it the signal",
      rows: { signals: [signal("1-0", { outcomes: [{ ...ROUTED, status: "s3cret" as "shadow" }] })] },
      sqlstate: "23514",
    },
    {
      what: "an unknown status",
      rows: { outcomes: [outcome("1-0", { status: "s3cret" as "failed" })] },
      sqlstate: "23514",
    },
    {
      what: "a status of the other stage",
      rows: { outcomes: [outcome("1-0", { status: "shadow" as "failed" })] },
      sqlstate: "23514",
    },
    {
      what: "a number that is too large",
      rows: { outcomes: [outcome("1-0", { duration_ms: 2 ** 31 })] },
      sqlstate: "22003",
    },
    {
      what: "an unknown kind of invocation",
      rows: { invocations: [invocation("1", { kind: "s3cret" as "manual" })] },
      sqlstate: "23514",
    },
    {
      what: "an unknown level",
      rows: { events: [event(crypto.randomUUID(), { level: "s3cret" })] },
      sqlstate: "23514",
    },
    { what: "an id that is none", rows: { events: [event("s3cret")] }, sqlstate: "22P02" },
  ])("refuses $what, without repeating it", async ({ rows, sqlstate }) => {
    const shard = freshPrefix();
    const answer = await logStoreOn(db, shard).write({ ...NOTHING, ...rows });
    expect(answer).toStrictEqual({ status: "refused", sqlstate, error: expect.stringContaining(sqlstate) });
    expect(JSON.stringify(answer)).not.toContain("s3cret");
    expect(await stored("signal_log", shard)).toStrictEqual([]);
    expect(await stored("signal_log_entries", shard)).toStrictEqual([]);
  });

  it("hides no mistake of the program as an answer", async () => {
    const signals = [{ entryId: "1-0", invocation: "live" } as SignalRow];
    await expect(logStoreOn(db, "").write({ ...NOTHING, signals })).rejects.toThrow(TypeError);
  });

  it("writes nothing when there is nothing to write", async () => {
    const untouchable = { ...db, query: () => Promise.reject(new Error("queried")) };
    expect(await logStoreOn(untouchable, "").write(NOTHING)).toStrictEqual({
      status: "stored",
      conflicts: [],
    });
  });

  it("answers unavailable when the database is", async () => {
    const other = await create();
    const closed = await other.open();
    await closed.close();
    const answer = await logStoreOn(closed, "").write({ ...NOTHING, signals: [signal("1-0")] });
    expect(answer).toStrictEqual({ status: "unavailable", error: expect.stringContaining("unavailable") });
    await other.remove();
  });
});

describe.each(databaseKinds.filter(({ kind }) => kind === "pg"))("two writers on one log", ({ create }) => {
  it("report the conflict also when the other one has not committed yet, in whatever order they write", async () => {
    const place = await create();
    const db = await place.open();
    await db.migrate();
    const signals = Array.from({ length: 2_000 }, (_, i) => `${i}-0`);
    const write = (uid: string, order: readonly string[]) =>
      logStoreOn(db, "").write({ ...NOTHING, signals: order.map((entryId) => signal(entryId, { uid })) });
    const answers = await Promise.all([
      write("a", signals),
      write("b", signals.toReversed()),
      write("c", signals),
    ]);
    expect(answers).toMatchObject(answers.map(() => ({ status: "stored" })));
    // Each row was stored once and is a conflict for the two others.
    const conflicts = answers.flatMap((answer) => (answer.status === "stored" ? answer.conflicts : []));
    expect(conflicts).toHaveLength(2 * signals.length);
    await db.close();
    await place.remove();
  });
});
