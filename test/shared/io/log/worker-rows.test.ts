import { describe, expect, it } from "vitest";
import { logStoreOn } from "../../../../shared/io/log/log-store-postgres.ts";
import { signalLogReaderOn } from "../../../../shared/io/log/signal-log-reader.ts";
import { searchSignals } from "../../../../shared/io/log/signal-search.ts";
import type { AttemptRow, UidRow } from "../../../../shared/log-rows.ts";
import type { OutcomeRecord, ReportRecord } from "../../../../shared/records.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { databaseKinds, migratedDatabase } from "../postgres/databases.ts";
import { at, logged, NO_ROWS, ran, replay, routed } from "./logged.ts";

/** A time after all decisions of a test. */
const REPORTED_AT = Date.parse(at("01:00:00.000"));

function report(uid: string, reportId: string, changes: Partial<ReportRecord> = {}): UidRow<ReportRecord> {
  const record = {
    strategy_id: 10,
    status: "opened",
    detail: { note: "n" },
    at: at("00:59:59.000"),
    stream: "signal_log_queue",
    report_id: reportId,
    ...changes,
  };
  return { resultId: `9-${reportId}`, uid, reportedAt: REPORTED_AT, record };
}

const outcomeOf = (uid: string, reportedAt: number): UidRow<OutcomeRecord> => ({
  resultId: "8-8",
  uid,
  reportedAt,
  record: ran("1-0").record,
});

function attempt(number: number): AttemptRow {
  const record = { ...ran("1-0").record, status: "failed" as const, attempt: number, task_id: "4-4" };
  return { entryId: "1-0", invocation: "live", part: `4-4 ${number}`, record };
}

/** Neon's driver runs the same SQL on the same Postgres as pg. */
const KINDS = databaseKinds.filter(({ kind }) => kind !== "neon");

describe.each(KINDS)("what workers report in a database of kind $kind", (database) => {
  const db = migratedDatabase(database);
  const stagesIn = async (shard: string) => {
    const order = "ORDER BY entry_id, invocation, strategy_id, stage, part";
    const rows = await db.query<Record<string, string>>(
      `SELECT entry_id, invocation, strategy_id, stage, status, part FROM signal_log_entries WHERE shard = $1 ${order}`,
      [shard],
    );
    return rows.map((row) => Object.values(row).join(" | "));
  };

  it("is stored under an exit by the exit's uid, beside the opening that brought the same one", async () => {
    const shard = freshPrefix();
    const log = logStoreOn(db, shard);
    const signals = [
      logged("1-0", { uid: "u", outcomes: [routed(10)] }),
      logged("2-0", { uid: "u:long", direction: "flat", side: "long", outcomes: [routed(10)] }),
    ];
    const reports = [report("u:long", "1-1"), report("u", "1-2")];
    expect(await log.write({ ...NO_ROWS, signals, reports })).toMatchObject({ status: "stored" });
    expect((await stagesIn(shard)).filter((row) => row.includes("report"))).toEqual([
      "1-0 | live | 10 | report | opened | 1-2 signal_log_queue",
      "2-0 | live | 10 | report | opened | 1-1 signal_log_queue",
    ]);
  });

  it("is stored once, however often it is delivered, beside the outcome", async () => {
    const shard = freshPrefix();
    const log = logStoreOn(db, shard);
    const rows = {
      ...NO_ROWS,
      signals: [logged("1-0", { uid: "u", outcomes: [routed(10)] })],
      outcomes: [ran("1-0", { status: "delegated" })],
      uidOutcomes: [outcomeOf("u", REPORTED_AT)],
      attempts: [attempt(1), attempt(2), attempt(1)],
      reports: [
        report("u", "7-0"),
        report("u", "7-0", { stream: "strategy_input_stream", status: "reverse_signal" }),
        report("u", "7-1", { status: "executed" }),
        report("unknown", "7-2"),
        report("u", "7-3", { strategy_id: 11 }),
      ],
    };
    const answer = { status: "stored", conflicts: [], unmatched: ["9-7-2", "9-7-3"] };
    expect(await log.write(rows)).toStrictEqual(answer);
    const stored = await stagesIn(shard);
    expect(stored).toEqual([
      "1-0 | live | 10 | attempt | failed | 4-4 1",
      "1-0 | live | 10 | attempt | failed | 4-4 2",
      "1-0 | live | 10 | execution | executed | ",
      "1-0 | live | 10 | report | opened | 7-0 signal_log_queue",
      "1-0 | live | 10 | report | reverse_signal | 7-0 strategy_input_stream",
      "1-0 | live | 10 | report | executed | 7-1 signal_log_queue",
      "1-0 | live | 10 | routing | dispatched | ",
    ]);
    expect(await log.write(rows)).toStrictEqual(answer);
    expect(await stagesIn(shard)).toEqual(stored);
    const { outcomes } = await signalLogReaderOn(db, shard).of(["1-0"]);
    expect(outcomes.map(({ stage }) => stage).join(" ")).toBe(
      "routing attempt attempt execution report report report",
    );
  });

  it("is about the newest dispatch of its uid before it, so that a later replay changes nothing", async () => {
    const shard = freshPrefix();
    const log = logStoreOn(db, shard);
    const signals = [
      logged("1-0", { uid: "u", outcomes: [routed(10)] }),
      logged("1-0", { uid: "u", invocation: "run", decided_at: at("00:30:00.000"), outcomes: [routed(10)] }),
      logged("2-0", {
        uid: "u",
        status: "duplicate",
        reason: "duplicate_uid",
        decided_at: at("00:40:00.000"),
        outcomes: [routed(10, { status: "ignored", reason: "duplicate_uid" })],
      }),
    ];
    await log.write({ ...NO_ROWS, signals, reports: [report("u", "7-0")] });
    const early = { ...report("u", "7-1"), reportedAt: Date.parse(at("00:10:00.000")) };
    const beforeAll = { ...report("u", "7-2"), reportedAt: 0 };
    await log.write({ ...NO_ROWS, reports: [early, beforeAll] });
    expect((await stagesIn(shard)).filter((row) => row.includes("report"))).toEqual([
      "1-0 | live | 10 | report | opened | 7-1 signal_log_queue",
      "1-0 | run | 10 | report | opened | 7-0 signal_log_queue",
      "1-0 | run | 10 | report | opened | 7-2 signal_log_queue",
    ]);
  });

  it("is about the newest run of the task: a retry's, whether or not that is logged yet", async () => {
    const shard = freshPrefix();
    const log = logStoreOn(db, shard);
    const retryAt = (id: string, started_at: string) => {
      const selection = { shard, entry_id: "1-0", invocation: "live", strategy_id: 10 };
      return replay(`${shard}${id}`, { kind: "retry", mode: null, selection, started_at });
    };
    const signals = [logged("1-0", { uid: "u", outcomes: [routed(10)] })];
    await log.write({ ...NO_ROWS, signals, outcomes: [ran("1-0", { status: "failed" })] });
    const first = retryAt("r1", at("00:10:00.000"));
    // Both in one batch, the outcome before the retry of which nothing else is known.
    await log.write({ ...NO_ROWS, invocations: [first], uidOutcomes: [outcomeOf("u", REPORTED_AT)] });
    const executions = async () => (await stagesIn(shard)).filter((row) => row.includes("execution"));
    const expected = [
      "1-0 | live | 10 | execution | failed | ",
      `1-0 | live | 10 | execution | executed | ${first.id}`,
    ];
    expect(await executions()).toEqual(expected);
    // Its own record comes later; and what was reported before the retry is about the run before it.
    await log.write({ ...NO_ROWS, outcomes: [ran("1-0", { status: "delegated", retry: first.id })] });
    await log.write({ ...NO_ROWS, uidOutcomes: [outcomeOf("u", Date.parse(at("00:05:00.000")))] });
    expect(await executions()).toEqual(expected);
  });

  it("is about the retry of a dead letter, which is logged in the same batch, and never ends before it", async () => {
    const shard = freshPrefix();
    const log = logStoreOn(db, shard);
    const signals = [logged("1-0", { uid: "u", outcomes: [routed(10)] })];
    await log.write({ ...NO_ROWS, signals, outcomes: [ran("1-0", { status: "failed" })] });
    const again = ran("1-0", { status: "delegated", retry: "letter", at: at("00:30:00.000") });
    // By a clock that is an hour behind; then by one that is a day ahead.
    const rows = { ...NO_ROWS, outcomes: [again], uidOutcomes: [outcomeOf("u", REPORTED_AT)] };
    await log.write(rows);
    await log.write(rows);
    const third = ran("1-0", { status: "delegated", retry: "third", at: at("00:40:00.000") });
    const { record } = ran("1-0", { at: "2026-01-03T12:00:00Z" });
    await log.write({
      ...NO_ROWS,
      outcomes: [third],
      uidOutcomes: [{ ...outcomeOf("u", REPORTED_AT), record }],
    });
    const stored = await db.query<{ status: string; part: string; at: Date }>(
      "SELECT status, part, at FROM signal_log_entries WHERE shard = $1 AND stage = 'execution' ORDER BY at",
      [shard],
    );
    expect(stored.map((row) => `${row.status} ${row.part} ${row.at.toISOString()}`)).toEqual([
      `failed  ${at("00:00:03.000")}`,
      `executed letter ${at("00:30:00.000")}`,
      `executed third ${at("01:00:00.000")}`,
    ]);
  });

  it("is no status that a search finds", async () => {
    const shard = freshPrefix();
    const signals = [logged("1-0", { uid: "u", outcomes: [routed(10)] })];
    const reports = [report("u", "7-0", { status: "executed" })];
    await logStoreOn(db, shard).write({ ...NO_ROWS, signals, reports, attempts: [attempt(1)] });
    const found = async (search: object) =>
      (await searchSignals(db, { shard, search, page: { countMax: 5 } })).signals.length;
    expect(await found({ status: "executed" })).toBe(0);
    expect(await found({ status: "failed" })).toBe(0);
    expect(await found({ status: "executed", strategy: 10 })).toBe(0);
    expect(await found({ strategy: 10 })).toBe(1);
  });
});
