import { describe, expect, it } from "vitest";
import { logStoreOn } from "../../../../shared/io/log/log-store-postgres.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { databaseKinds, migratedDatabase } from "../postgres/databases.ts";
import { at, event, logged, NO_ROWS, ran, replay, routed, rowsIn } from "./logged.ts";

describe.each(databaseKinds)("the log in a database of kind $kind", (database) => {
  const db = migratedDatabase(database);

  it("stores every field of a signal", async () => {
    const shard = freshPrefix();
    const row = logged("1-0", {
      detail: { age_ms: 12 },
      source: "tradingview",
      raw: { message: 'it\'s "quoted" \\ {1,2}\nünï', empty: "" },
    });
    expect(await logStoreOn(db, shard).write({ ...NO_ROWS, signals: [row] })).toStrictEqual({
      status: "stored",
      conflicts: [],
      unmatched: [],
    });
    const { outcomes: _, ...fields } = row.record;
    const times = {
      bar_time: new Date(at("00:00:00.000")),
      received_at: new Date(at("00:00:01.000")),
      decided_at: new Date(at("00:00:02.000")),
      logged_at: expect.any(Date),
    };
    expect(await rowsIn(db, "signal_log", shard)).toStrictEqual([
      { ...fields, ...times, side: null, shard, entry_id: "1-0", invocation: "live" },
    ]);
  });

  it("stores a rejected signal, most of whose fields are unknown", async () => {
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
    const row = logged("1-0", { ...unknown, status: "rejected", reason: "missing_field", raw: {} });
    await logStoreOn(db, shard).write({ ...NO_ROWS, signals: [row] });
    expect(await rowsIn(db, "signal_log", shard)).toMatchObject([
      { ...unknown, reason: "missing_field", raw: {} },
    ]);
  });

  it("replaces delegated by the outcome a worker reports, in any order, and never replaces that", async () => {
    const delegated = ran("1-0", { status: "delegated" });
    const report = ran("1-0", { status: "failed", reason: "no_margin" });
    const later = ran("1-0", { status: "executed" });
    for (const batches of [
      [[delegated], [report]],
      [[report], [delegated]],
      [[delegated, report]],
      [[report], [later]],
      [[report, later]],
      [[delegated, report, later]],
    ]) {
      const shard = freshPrefix();
      for (const outcomes of batches) await logStoreOn(db, shard).write({ ...NO_ROWS, outcomes });
      expect(await rowsIn(db, "signal_log_entries", shard)).toMatchObject([
        { status: "failed", reason: "no_margin" },
      ]);
    }
  });

  it("stores the first of two reports on a task that come in one batch among others", async () => {
    const shard = freshPrefix();
    const tasks = Array.from({ length: 50 }, (_, i) => 50 - i);
    const reports = (status: "failed" | "executed") =>
      tasks.map((strategy_id) => ran("1-0", { strategy_id, status }));
    const outcomes = [...reports("failed"), ...reports("executed")];
    await logStoreOn(db, shard).write({ ...NO_ROWS, outcomes });
    expect(await rowsIn(db, "signal_log_entries", shard)).toMatchObject(
      tasks.map(() => ({ status: "failed" })),
    );
  });

  it("stores the routing and the execution of a strategy side by side", async () => {
    const shard = freshPrefix();
    const routing = { status: "ignored", reason: "paused", detail: { by: "op" } } as const;
    const execution = { status: "executed", reason: null, detail: { order: "o-1" }, attempt: 1 } as const;
    await logStoreOn(db, shard).write({
      ...NO_ROWS,
      signals: [logged("1-0", { outcomes: [routed(10, routing)] })],
      outcomes: [ran("1-0", execution)],
    });
    const key = {
      shard,
      entry_id: "1-0",
      invocation: "live",
      strategy_id: 10,
      part: "",
      logged_at: expect.any(Date),
    };
    const entries = await rowsIn(db, "signal_log_entries", shard);
    expect(entries).toHaveLength(2);
    const decidedAt = new Date(at("00:00:02.000"));
    expect(entries).toContainEqual({
      ...key,
      ...routing,
      stage: "routing",
      attempt: null,
      duration_ms: null,
      at: decidedAt,
    });
    const ranAt = new Date(at("00:00:03.000"));
    expect(entries).toContainEqual({ ...key, ...execution, stage: "execution", duration_ms: 5, at: ranAt });
  });

  it("stores routing outcomes with the signal each belongs to", async () => {
    const shard = freshPrefix();
    const decided = (entryId: string, second: number, strategies: readonly number[]) =>
      logged(entryId, {
        decided_at: at(`03:04:0${second}.000`),
        outcomes: strategies.map((id) => routed(id)),
      });
    const log = logStoreOn(db, shard);
    const [first, second, third] = [
      decided("1-0", 1, [7, 8]),
      decided("2-0", 2, []),
      decided("3-0", 3, [9, 7]),
    ];
    await log.write({ ...NO_ROWS, signals: [first] });
    await log.write({ ...NO_ROWS, signals: [first, second, { ...third, invocation: "replay-1" }, third] });
    expect(
      await db.query(
        `SELECT entry_id, invocation, strategy_id, at FROM signal_log_entries WHERE shard = $1
         ORDER BY entry_id, invocation, strategy_id`,
        [shard],
      ),
    ).toStrictEqual(
      [
        { entry_id: "1-0", invocation: "live", strategies: [7, 8], second: 1 },
        { entry_id: "3-0", invocation: "live", strategies: [7, 9], second: 3 },
        { entry_id: "3-0", invocation: "replay-1", strategies: [7, 9], second: 3 },
      ].flatMap(({ strategies, second: at_second, ...key }) =>
        strategies.map((strategy_id) => ({
          ...key,
          strategy_id,
          at: new Date(at(`03:04:0${at_second}.000`)),
        })),
      ),
    );
  });

  it("stores events", async () => {
    const eventId = crypto.randomUUID();
    await logStoreOn(db, "").write({ ...NO_ROWS, events: [event(eventId)] });
    expect(await db.query("SELECT * FROM system_log WHERE event_id = $1", [eventId])).toStrictEqual([
      {
        event_id: eventId,
        at: new Date(at("00:20:00.000")),
        level: "INFO",
        source: "runner",
        message: "started",
        details: { n: 1 },
        action_flag: true,
        done_at: null,
        done_by: null,
        done_note: null,
      },
    ]);
  });

  it("stores an invocation with its end once, in any order, together or apart", async () => {
    const log = logStoreOn(db, "");
    const end = { finished_at: at("03:05:00.000"), counts: { done: 1, left: 0 } };
    for (const writes of [
      [["start"], ["end"]],
      [["end"], ["start"]],
      [["start", "end"]],
      [["end", "start"]],
      [["start"], ["end", "start"], ["start"], ["end"]],
    ]) {
      const id = crypto.randomUUID();
      const [start, whole] = [replay(id), replay(id, end)];
      for (const names of writes) {
        const invocations = names.map((name) => (name === "start" ? start : whole));
        expect(await log.write({ ...NO_ROWS, invocations })).toMatchObject({ status: "stored" });
      }
      expect(await db.query("SELECT * FROM invocations WHERE id = $1", [id])).toStrictEqual([
        { ...whole, started_at: new Date(whole.started_at), finished_at: new Date(end.finished_at) },
      ]);
    }
  });

  it("leaves fields empty that are unknown for an interrupted invocation", async () => {
    const id = crypto.randomUUID();
    const unknown = { mode: null, snapshot: null, requested_by: null, reason: null };
    const record = replay(id, unknown);
    await logStoreOn(db, "").write({ ...NO_ROWS, invocations: [record] });
    expect(await db.query("SELECT * FROM invocations WHERE id = $1 AND counts IS NULL", [id])).toStrictEqual([
      { ...record, started_at: new Date(record.started_at) },
    ]);
  });

  it("changes nothing when the same rows are written again", async () => {
    const shard = freshPrefix();
    const log = logStoreOn(db, shard);
    const rows = {
      ...NO_ROWS,
      signals: [logged("1-0", { outcomes: [routed(7)] }), logged("2-0")],
      outcomes: [ran("1-0")],
      invocations: [replay(crypto.randomUUID())],
      events: [event(crypto.randomUUID())],
    };
    const stored = async () => [
      await rowsIn(db, "signal_log", shard),
      await rowsIn(db, "signal_log_entries", shard),
    ];
    await log.write(rows);
    const before = await stored();
    expect(await log.write(rows)).toStrictEqual({ status: "stored", conflicts: [], unmatched: [] });
    expect(await stored()).toStrictEqual(before);
  });

  it("adds only the rows that are missing", async () => {
    const shard = freshPrefix();
    const log = logStoreOn(db, shard);
    await log.write({ ...NO_ROWS, signals: [logged("1-0")] });
    await log.write({ ...NO_ROWS, signals: [logged("1-0"), logged("2-0")] });
    expect(await rowsIn(db, "signal_log", shard)).toMatchObject([{ entry_id: "1-0" }, { entry_id: "2-0" }]);
  });

  it("does not mix invocations or shards", async () => {
    const shards = [freshPrefix(), freshPrefix()];
    for (const shard of shards) {
      const signals = [
        logged("1-0", { uid: shard }),
        logged("1-0", { uid: "replayed", invocation: "replay-1" }),
      ];
      expect(await logStoreOn(db, shard).write({ ...NO_ROWS, signals })).toStrictEqual({
        status: "stored",
        conflicts: [],
        unmatched: [],
      });
      expect(await rowsIn(db, "signal_log", shard)).toMatchObject([{ uid: shard }, { uid: "replayed" }]);
    }
  });
});
