import { describe, expect, it } from "vitest";
import { logStoreOn } from "../../../../shared/io/log/log-store-postgres.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { databaseKinds } from "../postgres/databases.ts";
import {
  AT,
  event,
  invocation,
  NOTHING,
  outcome,
  ROUTED,
  signal,
  useLogDatabase,
} from "./log-store-fixture.ts";

describe.each(databaseKinds)("the log in a database of kind $kind", ({ create }) => {
  const database = useLogDatabase(create);
  const { stored } = database;

  it("stores every field of a signal", async () => {
    const shard = freshPrefix();
    const row = signal("1-0");
    expect(await logStoreOn(database.db, shard).write({ ...NOTHING, signals: [row] })).toStrictEqual({
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
    await logStoreOn(database.db, shard).write({ ...NOTHING, signals: [row] });
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
      for (const outcomes of batches) await logStoreOn(database.db, shard).write({ ...NOTHING, outcomes });
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
    await logStoreOn(database.db, shard).write({
      ...NOTHING,
      outcomes: [...reports("failed"), ...reports("executed")],
    });
    expect(await stored("signal_log_entries", shard)).toMatchObject(tasks.map(() => ({ status: "failed" })));
  });

  it("stores what was decided and what was done for a strategy side by side", async () => {
    const shard = freshPrefix();
    const rows = { ...NOTHING, signals: [signal("1-0", { outcomes: [ROUTED] })], outcomes: [outcome("1-0")] };
    await logStoreOn(database.db, shard).write(rows);
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
    const log = logStoreOn(database.db, shard);
    const [first, second, third] = [
      decided("1-0", 1, [7, 8]),
      decided("2-0", 2, []),
      decided("3-0", 3, [9, 7]),
    ];
    await log.write({ ...NOTHING, signals: [first] });
    await log.write({ ...NOTHING, signals: [first, second, { ...third, invocation: "replay-1" }, third] });
    expect(
      await database.db.query(
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
    await logStoreOn(database.db, "").write({ ...NOTHING, events: [event(eventId)] });
    expect(await database.db.query("SELECT * FROM system_log WHERE event_id = $1", [eventId])).toStrictEqual([
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
    const log = logStoreOn(database.db, "");
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
      expect(await database.db.query("SELECT * FROM invocations WHERE id = $1", [id])).toStrictEqual([
        { ...whole, started_at: new Date(AT), finished_at: new Date(end.finished_at) },
      ]);
    }
  });

  it("leaves what is not known of an invocation that was broken off empty", async () => {
    const id = crypto.randomUUID();
    const unknown = { snapshot: null, requested_by: null, reason: null, selection: {} };
    await logStoreOn(database.db, "").write({ ...NOTHING, invocations: [invocation(id, unknown)] });
    expect(
      await database.db.query("SELECT * FROM invocations WHERE id = $1 AND counts IS NULL", [id]),
    ).toStrictEqual([{ ...invocation(id, unknown), started_at: new Date(AT) }]);
  });

  it("changes nothing when the same rows are written again", async () => {
    const shard = freshPrefix();
    const log = logStoreOn(database.db, shard);
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
    const log = logStoreOn(database.db, shard);
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
      expect(await logStoreOn(database.db, shard).write({ ...NOTHING, signals })).toStrictEqual({
        status: "stored",
        conflicts: [],
      });
      expect(await stored("signal_log", shard)).toMatchObject([{ uid: shard }, { uid: "replayed" }]);
    }
  });
});
