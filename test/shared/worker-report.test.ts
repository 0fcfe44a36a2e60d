import { describe, expect, test } from "vitest";
import { collectOutcomes } from "../../functions/collect-outcomes.ts";
import type { Fields } from "../../shared/entry.ts";
import { keysOf } from "../../shared/keys.ts";
import { logRowsOf } from "../../shared/log-rows.ts";
import { NOTE_BYTES_MAX, ownTaskOf, parseReport, reportEffects } from "../../shared/worker-report.ts";

/** What workers say beside outcomes, and what becomes of it. */

const ADDED_AT = Date.UTC(2026, 0, 5, 10);
const ID = `${ADDED_AT}-3`;
const [QUEUE] = keysOf("", { outcomeStreams: ["signal_log_queue"] }).outcomeStreams;
if (QUEUE === undefined) throw new Error("there is no outcome stream");

const FIELDS = { log_uid: "u1", strategy_id: "7", status: "opened" };
const parsed = (fields: Fields) => parseReport({ id: ID, fields }, QUEUE);

function reportOf(changes: Fields = {}) {
  const answer = parsed({ ...FIELDS, ...changes });
  if (!answer.ok) throw new Error(answer.error);
  return answer.report;
}

describe("a report", () => {
  test("is under the worker's own word, with note and position", () => {
    const { uid, record } = reportOf({
      status: " protect ",
      note: "sl moved",
      position_uid: "p-1",
      logged_at: "",
    });
    expect(uid).toBe("u1");
    expect(record).toEqual({
      strategy_id: 7,
      status: "protect",
      detail: { note: "sl moved", position_uid: "p-1" },
      at: "2026-01-05T10:00:00.000Z",
      stream: "signal_log_queue",
      report_id: ID,
    });
  });

  test.each([
    ["2026-01-05T09:59:58.123456", "2026-01-05T09:59:58.123Z", {}],
    ["2026-01-05 12:59:58+03:00", "2026-01-05T09:59:58.000Z", {}],
    ["", "2026-01-05T10:00:00.000Z", {}],
    ["soon", "2026-01-05T10:00:00.000Z", { unusable_logged_at: "soon" }],
    ["2026-01-05T10:00:06", "2026-01-05T10:00:00.000Z", { unusable_logged_at: "2026-01-05T10:00:06" }],
  ])("of %j was made at %s", (logged_at, at, detail) => {
    expect(reportOf({ logged_at }).record).toMatchObject({ at, detail });
  });

  test("has a note of at most 2 kB that Postgres takes", () => {
    const { detail } = reportOf({ note: `a\0${"й".repeat(2_000)}` }).record;
    expect(Buffer.byteLength(String(detail["note"]))).toBeLessThanOrEqual(NOTE_BYTES_MAX);
    expect(detail).toMatchObject({ note: expect.stringMatching(/^a\uFFFDй+$/), note_cut: true });
  });

  test.each<[string, Fields]>([
    ["a uid", { strategy_id: "7", status: "opened" }],
    ["a uid that is not empty", { ...FIELDS, log_uid: " " }],
    ["a uid that is not too long", { ...FIELDS, log_uid: "u".repeat(263) }],
    ["the id of a strategy", { ...FIELDS, strategy_id: "0" }],
    ["an id that Postgres takes", { ...FIELDS, strategy_id: "2147483648" }],
    ["a status", { ...FIELDS, status: "" }],
    ["a status that is a word", { ...FIELDS, status: "x".repeat(65) }],
  ])("needs %s", (_, fields) => {
    expect(parsed(fields)).toMatchObject({ ok: false, error: expect.stringContaining("expected") });
  });

  test("is passed on, while an entry that is none is counted and acknowledged", () => {
    const unreadable: string[] = [];
    const entries = [
      { id: ID, fields: FIELDS },
      { id: "9-9", fields: { a: "b" } },
    ];
    const results = collectOutcomes(entries, { stream: QUEUE, onUnreadable: (id) => unreadable.push(id) });
    expect(results).toMatchObject([
      {
        id: ID,
        status: "done",
        effects: { append: [{ stream: "signal_results" }], count: ["worker_reports:collected"] },
      },
      { id: "9-9", status: "done", effects: { append: [], count: ["worker_reports:unreadable"] } },
    ]);
    expect(unreadable).toEqual(["9-9"]);
  });
});

const OWN_TASK = {
  strategy_id: "7",
  signal_id: "1",
  symbol: "BTCUSDT",
  direction: "short",
  time: "2026-01-05 10:00:00",
  received_at: "2026-01-05T10:00:01.5",
  log_uid: "u1",
  source: "reverse_signal",
};
const ownTask = (changes: Fields) =>
  ownTaskOf({ id: ID, fields: { ...OWN_TASK, ...changes } }, "strategy_input_stream");

describe("a task that a worker adds for itself", () => {
  test("is a report under the decision that its uid leads to", () => {
    const own = ownTask({});
    expect(own).toMatchObject({
      uid: "u1",
      record: { status: "reverse_signal", detail: { direction: "short" } },
    });
    const [append] = own === undefined ? [] : reportEffects(own).append;
    const rows = logRowsOf({ id: "5-5", fields: append?.fields ?? {} }, "signal_results");
    expect(rows).toMatchObject({
      ok: true,
      rows: { reports: [{ resultId: "5-5", uid: "u1", reportedAt: ADDED_AT, record: { report_id: ID } }] },
    });
  });

  test("is only counted when it names no uid", () => {
    const own = ownTask({ log_uid: "" });
    expect(own && reportEffects(own)).toEqual({ append: [], count: ["worker_reports:unknown"] });
  });

  test("is one whatever else it lacks or says", () => {
    const fields = { strategy_id: "7", log_uid: "u1", source: "s".repeat(100), direction: "up" };
    expect(ownTaskOf({ id: ID, fields }, "strategy_input_stream")).toMatchObject({
      uid: "u1",
      record: { status: "s".repeat(64), detail: { direction: "up" } },
    });
    expect(ownTask({ source: "" })).toMatchObject({ record: { status: "reverse_signal" } });
  });

  test.each<[string, Fields]>([
    ["the entry of a signal", { entry_id: "1-1" }],
    ["no strategy", { strategy_id: "x" }],
  ])("is none with %s", (_, changes) => {
    expect(ownTask(changes)).toBeUndefined();
  });
});
