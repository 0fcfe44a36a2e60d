import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bodyOf,
  completed,
  noticeBody,
  noticesIn,
  type NotifiedStatus,
  type Notice,
} from "../../../shared/notification/notification.ts";
import {
  referenceRows,
  signalFields,
  signalRow,
  snapshotFrom,
  strategyRow,
  tickerRow,
} from "../../builders.ts";
import { outcomeEntry, RECORDED_AT, signalEntry } from "../../records.ts";

const only = (...statuses: NotifiedStatus[]): ReadonlySet<NotifiedStatus> => new Set(statuses);
const noticesOf = (
  entry: Parameters<typeof noticesIn>[0],
  ...statuses: NotifiedStatus[]
): readonly Notice[] => noticesIn(entry, only(...statuses));

const failed = outcomeEntry({ status: "failed", reason: "timeout", detail: { timeout_ms: 1000 } });
const routed = signalEntry({
  outcomes: [
    { strategy_id: 1, strategy: "one", status: "dispatched", reason: null, detail: {} },
    { strategy_id: 2, strategy: "two", status: "ignored", reason: "paused", detail: {} },
    { strategy_id: 3, strategy: "three", status: "shadow", reason: "shadow", detail: {} },
  ],
});

function theOnly(notices: readonly Notice[]): Notice {
  const [first, ...more] = notices;
  if (first === undefined || more.length > 0) throw new Error(`${notices.length} notices instead of one`);
  return first;
}

describe("which outcomes are sent", () => {
  test("so is one that a worker reports by uid, without the signal's entry", () => {
    const { data = "" } = failed.fields;
    const byUid = { id: failed.id, fields: { kind: "outcome", log_uid: "u9", data } };
    expect(noticesOf(byUid, "failed")).toMatchObject([{ uid: "u9", entry_id: "", status: "failed" }]);
  });

  test("a task's outcome is sent when its status is asked for, with all that its record has", () => {
    expect(noticesOf(failed, "failed")).toEqual([
      {
        stage: "execution",
        strategy_id: 7,
        strategy: null,
        symbol: null,
        direction: null,
        status: "failed",
        reason: "timeout",
        detail: '{"timeout_ms":1000}',
        uid: "u1",
        entry_id: "5-0",
        invocation: "live",
        at: RECORDED_AT,
      },
    ]);
    expect(noticesOf(failed, "executed", "ignored", "delegated", "shadow", "dispatched")).toEqual([]);
  });

  test("each strategy's outcome in a decision is sent by itself, with the decision's facts about the signal", () => {
    const signal = { symbol: "BTCUSDT", direction: "long", uid: "u1", entry_id: "5-0", at: RECORDED_AT };
    expect(noticesOf(routed, "ignored", "shadow")).toMatchObject([
      { ...signal, stage: "routing", strategy_id: 2, strategy: "two", status: "ignored", reason: "paused" },
      { ...signal, stage: "routing", strategy_id: 3, strategy: "three", status: "shadow" },
    ]);
    expect(noticesOf(routed, "failed", "executed", "delegated")).toEqual([]);
  });

  test("`ignored` outcomes of decisions and of tasks are sent", () => {
    const task = outcomeEntry({ status: "ignored", reason: "stale" });
    expect(
      [...noticesOf(routed, "ignored"), ...noticesOf(task, "ignored")].map(({ stage }) => stage),
    ).toEqual(["routing", "execution"]);
  });

  test.each([
    ["no fields", {}],
    ["data that is no JSON", { ...failed.fields, data: "{" }],
    ["a record without its fields", { ...failed.fields, data: "{}" }],
    ["an unknown kind", { ...failed.fields, kind: "story" }],
  ])("nothing is sent for %s", (_, fields) => {
    expect(noticesOf({ id: "1-0", fields }, "failed", "ignored")).toEqual([]);
  });

  test("no content of an entry makes it throw", () => {
    const data = fc.oneof(fc.json(), fc.string());
    const fields = fc.record({
      kind: fc.constantFrom("signal", "outcome", "x"),
      data,
      entry_id: fc.string(),
    });
    fc.assert(
      fc.property(fields, (any) => {
        noticesOf({ id: "1-0", fields: { ...any, invocation: "live" } }, "failed", "ignored");
      }),
    );
  });

  test("an outcome is sent even when its detail is nested too deep for JSON.stringify", () => {
    const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
    const data = (failed.fields["data"] ?? "").replace('{"timeout_ms":1000}', `{"deep":${deep}}`);
    const notice = theOnly(noticesOf({ id: "1-0", fields: { ...failed.fields, data } }, "failed"));
    expect(notice.detail).toContain("cannot be shown");
  });
});

describe("what the record does not have", () => {
  const rows = referenceRows({ strategies: [strategyRow(7, { name: "Trend" })], strategy_signals: [] });
  const snapshot = snapshotFrom(rows);
  const notice = theOnly(noticesOf(failed, "failed"));

  test("comes from the reference and the signal's own entry", () => {
    const entry = { id: "5-0", fields: signalFields({ symbol: "btcusdt.p", message: "signal_1_SHORT" }) };
    expect(completed(notice, { snapshot, entry })).toEqual({
      ...notice,
      strategy: "Trend",
      symbol: "BTCUSDT",
      direction: "short",
    });
  });

  test("is the ticker that the symbol means", () => {
    const tickers = [tickerRow("BTCUSDT"), tickerRow("BTCUSDT.P"), tickerRow("ETHUSDT")];
    const ticker_aliases = [{ alias: "XETH", symbol: "ETHUSDT" }];
    const meaning = snapshotFrom({ ...rows, tickers, ticker_aliases });
    const shown = (symbol: string) =>
      completed(notice, { snapshot: meaning, entry: { id: "5-0", fields: signalFields({ symbol }) } }).symbol;
    expect(["btcusdt.p", "XETH", "new"].map(shown)).toEqual(["BTCUSDT.P", "ETHUSDT", "NEW"]);
  });

  test("of an exit is its side, too", () => {
    const exits = { ...rows, signals: [signalRow(1, { long_exit_phrase: "OUT" })] };
    const entry = { id: "5-0", fields: signalFields({ message: "out" }) };
    const found = completed(notice, { snapshot: snapshotFrom(exits), entry });
    expect(found).toMatchObject({ direction: "flat", side: "long" });
    expect(noticeBody({ ...found, detail: "{}" }).text).toBe(
      "failed (timeout): Trend (7), BTCUSDT, exit long",
    );
  });

  test("stays unknown when these do not exist", () => {
    const broken = { id: "5-0", fields: {} };
    expect(completed(notice, {})).toEqual(notice);
    expect(completed(notice, { snapshot, entry: broken })).toEqual({ ...notice, strategy: "Trend" });
    const unknown = { id: "5-0", fields: signalFields({ message: "SOMETHING_ELSE" }) };
    expect(completed(notice, { entry: unknown })).toEqual({ ...notice, symbol: "BTCUSDT" });
  });
});

describe("the line for people", () => {
  const notice = theOnly(noticesOf(failed, "failed"));
  const known: Notice = { ...notice, strategy: "Trend", symbol: "BTCUSDT", direction: "long" };

  test.each([
    [known, 'failed (timeout): Trend (7), BTCUSDT, long {"timeout_ms":1000}'],
    [{ ...notice, detail: "{}" }, "failed (timeout): strategy 7"],
    [{ ...notice, detail: "{}", reason: null }, "failed: strategy 7"],
    [
      { ...known, detail: "{}", status: "shadow", reason: "shadow" } as const,
      "shadow: Trend (7), BTCUSDT, long",
    ],
  ])("%#: has the status first, then the strategy", (each, text) => {
    expect(noticeBody(each)).toEqual({
      text,
      content: text,
      allowed_mentions: { parse: [] },
      outcomes: [each],
      summed_up: [],
    });
  });

  test("is one line, mentions no one in Slack and is short enough for Discord, whatever it contains", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 100 }), fc.nat(50), (any, times) => {
        const { text } = bodyOf(any.repeat(times), { outcomes: [], summed_up: [] });
        expect(text).not.toMatch(/[<>\p{Cc}\p{Zl}\p{Zp}]/u);
        expect(text.length).toBeLessThan(2_000);
        expect(text.isWellFormed()).toBe(true);
      }),
    );
    expect(bodyOf("<!channel>\nlook", { outcomes: [], summed_up: [] }).text).toBe("‹!channel›\uFFFDlook");
  });
});
