import { describe, expect, test } from "vitest";
import { processSignals, type SignalContext } from "../../functions/process-signals.ts";
import type { Entry } from "../../shared/entry.ts";
import { HOLDER } from "../../shared/function.ts";
import { signalRecordSchema } from "../../shared/records.ts";
import { uidOf } from "../../shared/signal/signal.ts";
import {
  contextFrom,
  entryFrom,
  NOW,
  recordIn,
  rowsWithStrategies,
  signalFields,
  strategyRow,
  tasksIn,
  tickerRow,
} from "../builders.ts";
import { effectsFor, publishedIn } from "./process-signals-fixture.ts";

const two = rowsWithStrategies([
  strategyRow(10),
  strategyRow(20, { name: "second", shadow: true }),
  strategyRow(30, { enabled: false }),
  strategyRow(40),
]);

describe("a dispatched signal", () => {
  const fields = signalFields({ symbol: "btcusdt.p", source: "tradingview", sent_at: "2025-01-15T11:59:59" });
  const context = contextFrom({ rows: two });
  const effects = effectsFor(entryFrom(fields), context);
  const uid = uidOf("BTCUSDT", "signal_1_long", NOW - 60_000);

  test("becomes a task for each strategy, with the fields that existing workers read, and others", () => {
    const task = {
      signal_id: "1",
      symbol: "BTCUSDT",
      direction: "long",
      time: "2025-01-15T11:59:00.000Z",
      received_at: "2025-01-15T11:59:59.000000",
      log_uid: uid,
      source: "tradingview",
      entry_id: `${NOW - 1000}-0`,
      invocation: "live",
      snapshot: context.snapshot.version,
      sent_at: "2025-01-15T11:59:59.000Z",
    };
    expect(tasksIn(effects)).toEqual([
      { strategy_id: "10", strategy: "strategy 10", ...task },
      { strategy_id: "40", strategy: "strategy 40", ...task },
    ]);
  });

  test.each([
    [
      "as its sender wrote it, when that is without zone",
      "2025-01-15T11:59:58.123456",
      "2025-01-15T11:59:58.123456",
    ],
    ["without zone, when it had one", "2025-01-15T14:59:58.5+03:00", "2025-01-15T11:59:58.500000"],
    ["as the time of its entry, when it cannot be read", "2025-02-30T11:59:58", "2025-01-15T11:59:59.000000"],
  ])("passes received_at on %s; the record has it in UTC", (_how, given, passedOn) => {
    const passing = effectsFor(entryFrom(signalFields({ received_at: given })), context);
    expect(tasksIn(passing)).toMatchObject([{ received_at: passedOn }, { received_at: passedOn }]);
    expect(recordIn(passing).received_at).toBe(`${passedOn.slice(0, 23)}Z`);
  });

  test("has empty fields in its tasks for what it did not have", () => {
    expect(tasksIn(effectsFor(entryFrom()))).toMatchObject([{ source: "", sent_at: "" }]);
  });

  test("is recorded with everything that was known and decided", () => {
    expect(recordIn(effects)).toEqual({
      duplicate_of: null,
      uid,
      status: "dispatched",
      reason: null,
      detail: {},
      signal_id: 1,
      direction: "long",
      symbol: "BTCUSDT",
      message: "SIGNAL_1_LONG",
      source: "tradingview",
      raw: fields,
      bar_time: "2025-01-15T11:59:00.000Z",
      sent_at: "2025-01-15T11:59:59.000Z",
      received_at: "2025-01-15T11:59:59.000Z",
      decided_at: "2025-01-15T12:00:00.000Z",
      snapshot: context.snapshot.version,
      outcomes: [
        { strategy_id: 10, strategy: "strategy 10", status: "dispatched", reason: null, detail: {} },
        { strategy_id: 20, strategy: "second", status: "shadow", reason: "shadow", detail: {} },
        {
          strategy_id: 30,
          strategy: "strategy 30",
          status: "ignored",
          reason: "strategy_disabled",
          detail: {},
        },
        { strategy_id: 40, strategy: "strategy 40", status: "dispatched", reason: null, detail: {} },
      ],
    });
  });

  test("claims its uid and counts itself and each outcome", () => {
    expect(effects.claim?.uid).toBe(uid);
    expect(effects.count).toEqual([
      "signals:dispatched",
      "strategy:10:dispatched",
      "strategy:20:shadow",
      "strategy:30:ignored",
      "strategy:40:dispatched",
    ]);
  });

  test("is a duplicate without tasks when another entry holds the uid", () => {
    const lost = effects.claim?.ifLost ?? { append: [], count: [] };
    expect(tasksIn(lost)).toEqual([]);
    expect(recordIn(lost)).toEqual({
      ...recordIn(effects),
      duplicate_of: HOLDER,
      status: "duplicate",
      reason: "duplicate_uid",
      outcomes: [
        { strategy_id: 10, strategy: "strategy 10", status: "ignored", reason: "duplicate_uid", detail: {} },
        { strategy_id: 20, strategy: "second", status: "ignored", reason: "duplicate_uid", detail: {} },
        {
          strategy_id: 30,
          strategy: "strategy 30",
          status: "ignored",
          reason: "strategy_disabled",
          detail: {},
        },
        { strategy_id: 40, strategy: "strategy 40", status: "ignored", reason: "duplicate_uid", detail: {} },
      ],
    });
    expect(lost.count).toEqual([
      "signals:duplicate",
      "reasons:duplicate_uid",
      "strategy:10:ignored",
      "strategy:20:ignored",
      "strategy:30:ignored",
      "strategy:40:ignored",
    ]);
  });

  test("names its invocation in tasks and records", () => {
    const replayed = effectsFor(entryFrom(fields), { ...context, invocation: "replay-7" });
    expect(tasksIn(replayed)).toMatchObject([{ invocation: "replay-7" }, { invocation: "replay-7" }]);
    for (const branch of [replayed, replayed.claim?.ifLost]) {
      expect(publishedIn(branch)).toMatchObject([
        { kind: "signal", entry_id: `${NOW - 1000}-0`, invocation: "replay-7" },
      ]);
    }
  });
});

test.each([
  ["ignored", "unknown_phrase", signalFields({ message: "HELLO" })],
  ["rejected", "missing_field", {}],
])("a signal that is %s claims no uid and has no tasks", (status, reason, fields) => {
  const effects = effectsFor(entryFrom(fields));
  expect(effects.claim).toBeUndefined();
  expect(tasksIn(effects)).toEqual([]);
  expect(effects.count).toEqual([`signals:${status}`, `reasons:${reason}`]);
  expect(recordIn(effects)).toMatchObject({ status, reason, raw: fields, signal_id: null, outcomes: [] });
});

test("a signal for strategies in the shadow alone claims no uid, so that it takes none from a real one", () => {
  const effects = effectsFor(
    entryFrom(),
    contextFrom({ rows: rowsWithStrategies([strategyRow(10, { shadow: true })]) }),
  );
  expect(effects.claim).toBeUndefined();
  expect(recordIn(effects)).toMatchObject({ status: "ignored", outcomes: [{ status: "shadow" }] });
});

describe("signals of one batch and phrase have different outcomes", () => {
  const tickers = [tickerRow("AAA"), tickerRow("BBB")];
  const entry = (symbol: string, ageMs: number, sequence: number): Entry =>
    entryFrom(signalFields({ symbol }), { at: NOW - ageMs, sequence });
  const fresh = entry("AAA", 1_000, 0);
  const old = entry("AAA", 6_000, 1);
  const other = entry("BBB", 1_000, 2);
  const takers = (entries: readonly Entry[], context: SignalContext) =>
    processSignals(entries, context).map((result) =>
      result.status === "done" ? tasksIn(result.effects).map((task) => task["strategy_id"]) : [],
    );

  test("where a strategy looks at their age", () => {
    const rows = rowsWithStrategies([strategyRow(10), strategyRow(11, { signal_age_ms_max: 5_000 })], {
      tickers,
    });
    expect(takers([fresh, old, other], contextFrom({ rows }))).toEqual([["10", "11"], ["10"], ["10", "11"]]);
    expect(takers([old, fresh], contextFrom({ rows }))).toEqual([["10"], ["10", "11"]]);
  });

  test("where a strategy looks at their symbol", () => {
    const rows = rowsWithStrategies([strategyRow(10), strategyRow(12, { use_all_tickers: false })], {
      tickers,
      strategy_tickers: [{ strategy_id: 12, symbol: "AAA" }],
    });
    expect(takers([fresh, other, old], contextFrom({ rows }))).toEqual([["10", "12"], ["10"], ["10", "12"]]);
    expect(takers([other, fresh], contextFrom({ rows }))).toEqual([["10"], ["10", "12"]]);
  });
});

test("what was ignored or replaced is in the record's detail beside the decision's own", () => {
  const fields = signalFields({ message: "HELLO\0", sent_at: "soon", extra: "x".repeat(20_000) });
  expect(recordIn(effectsFor(entryFrom(fields))).detail).toEqual({
    replaced_characters_in: ["message"],
    cut_fields: ["extra"],
    extra_left_out: ["extra"],
    sent_at_ignored: { given: "soon", why: expect.any(String) },
  });
});

test("an over-long symbol is recorded short enough for Postgres' index, and in full among the raw fields", () => {
  const symbol = `X${"😀".repeat(3000)}`;
  const record = recordIn(effectsFor(entryFrom(signalFields({ symbol }))));
  expect(record).toMatchObject({ reason: "unknown_ticker", symbol: `X${"😀".repeat(255)}`, raw: { symbol } });
});

test("the holder's id is put in the right place even when the signal's own texts contain {{holder}}", () => {
  const row = strategyRow(10, { name: HOLDER });
  const fields = signalFields({ source: HOLDER, uid: "u", [HOLDER]: HOLDER });
  const lost = effectsFor(entryFrom(fields), contextFrom({ rows: rowsWithStrategies([row]) })).claim?.ifLost;
  const [entry] = publishedIn(lost);
  // As the commit does: it replaces the first one in each field.
  const record = signalRecordSchema.parse(JSON.parse(entry?.["data"]?.replace(HOLDER, "5-0") ?? ""));
  expect(record).toMatchObject({ duplicate_of: "5-0", source: HOLDER, uid: "u", raw: fields });
  expect(`${entry?.["kind"]}${entry?.["entry_id"]}${entry?.["invocation"]}`).not.toContain(HOLDER);
});
