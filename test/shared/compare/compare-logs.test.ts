import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { OurSignal } from "../../../shared/compare/logged-signal.ts";
import { NOW } from "../../builders.ts";
import { compared, ignored, oldOf, ours, type Logs } from "./compare-fixture.ts";

const NONE = { other: 0, repeat: 0, union_of_phrases: 0, case: 0, time: 0, exit: 0 };

/** Reasons with which the router before logged no row. */
const WITHOUT_ROW = ["unknown_phrase", "unknown_ticker", "ticker_disabled", "trade_not_permitted"];

const anySignal: fc.Arbitrary<OurSignal> = fc
  .record({
    at: fc.integer({ min: 0, max: 3 * 86_400_000 }).map((ms) => NOW + ms),
    symbol: fc.constantFrom("BTCUSDT", "ETHUSDT"),
    barTime: fc.integer({ min: 1, max: 3 }).map((bars) => NOW - bars * 60_000),
    reason: fc.constantFrom(null, null, "no_strategies", ...WITHOUT_ROW, "missing_field"),
    strategies: fc.constantFrom([10], [20], [10, 20]),
  })
  .map(({ reason, strategies, ...changes }) =>
    reason === null ? ours({ ...changes, strategies }) : ignored(reason, changes),
  );

/** Both logs of routers with equal rules, which receive a signal up to some seconds apart. */
const equalLogs: fc.Arbitrary<Logs> = fc.array(anySignal, { maxLength: 60 }).chain((signals) => {
  const here = signals.toSorted((a, b) => a.at - b.at);
  const logged = here.filter(({ reason }) => reason === null || reason === "no_strategies");
  return fc.record({
    here: fc.constant(here),
    // By as much each, so that equal signals arrive in the same order.
    there: fc
      .integer({ min: -5_000, max: 5_000 })
      .map((ms) => logged.map((row) => oldOf(row, { at: row.at + ms }))),
  });
});

test("an exit that was not dispatched agrees, since the router before knew none", () => {
  const here = [ignored("no_eligible_strategy", { direction: "flat", message: "SIGNAL_1_EXIT" })];
  expect(compared({ here, there: [] })).toMatchObject({ classes: NONE, agreeing: 1 });
});

test("logs of routers with equal rules do not differ", () => {
  fc.assert(
    fc.property(equalLogs, (logs) => {
      const { classes, ours: here, old, agreeing, atEdges } = compared(logs);
      expect({ classes, here, old, atEdges }).toEqual({
        classes: NONE,
        here: logs.here.length,
        old: logs.there.length,
        atEdges: 0,
      });
      expect(agreeing).toBe(logs.here.length);
    }),
  );
});

/** Each with the one difference that is expected, and the pair that has it. */
const DIFFERENT: readonly (readonly [what: string, is: string, logs: Logs])[] = [
  [
    "a repeated signal, traded again there",
    "repeat dispatched_there",
    {
      here: [ours(), ignored("duplicate_uid", { status: "duplicate", at: NOW + 5 })],
      there: [oldOf(ours()), oldOf(ours(), { at: NOW + 5, id: "8" })],
    },
  ],
  [
    "a strategy of the second signal with a phrase",
    "union_of_phrases strategies",
    {
      here: [ours({ signalId: 3, message: "Shared", written: { message: "SHARED", symbol: "BTCUSDT" } })],
      there: [oldOf(ours({ signalId: 3, message: "SHARED" }), { strategies: [10] })],
    },
  ],
  [
    "only strategies of the second signal with a phrase",
    "union_of_phrases missing_there",
    { here: [ours({ signalId: 3, message: "SHARED", strategies: [20] })], there: [] },
  ],
  [
    "a phrase for both directions, which has none here",
    "union_of_phrases dispatched_there",
    {
      here: [ignored("ambiguous_phrase", { signalId: 5, direction: null, message: "BOTH" })],
      there: [oldOf(ours({ signalId: 5, message: "BOTH" }))],
    },
  ],
  [
    "a phrase in lower case",
    "case missing_there",
    { here: [ours({ written: { message: "Signal_1_long", symbol: "BTCUSDT" } })], there: [] },
  ],
  [
    "a symbol in lower case, ignored there",
    "case dispatched_here",
    {
      here: [ours({ written: { message: "SIGNAL_1_LONG", symbol: "btcusdt.P" } })],
      there: [oldOf(ours(), { dispatched: false, strategies: [] })],
    },
  ],
  [
    "an exit that was dispatched",
    "exit missing_there",
    { here: [ours({ direction: "flat", message: "SIGNAL_1_EXIT" })], there: [] },
  ],
  [
    "no bar time",
    "time dispatched_there",
    {
      here: [ignored("missing_field", timeless({ field: "bar_time" }))],
      there: [oldOf(ours({ barTime: null }))],
    },
  ],
  [
    "a bar time that cannot be read, in whose place there is another one",
    "time dispatched_there",
    { here: [ignored("invalid_field", timeless({ field: "time" }))], there: [oldOf(ours())] },
  ],
  [
    "a strategy less here",
    "other strategies",
    { here: [ours({ strategies: [10] })], there: [oldOf(ours())] },
  ],
  [
    "a strategy more here, of a phrase on one signal",
    "other strategies",
    { here: [ours()], there: [oldOf(ours(), { strategies: [10] })] },
  ],
  ["a dispatched signal without row there", "other missing_there", { here: [ours()], there: [] }],
  ["a stale signal without row there", "other missing_there", { here: [ignored("stale")], there: [] }],
  ["a row there alone", "other missing_here", { here: [], there: [oldOf(ours())] }],
  [
    "a stale signal, traded there",
    "other dispatched_there",
    { here: [ignored("stale")], there: [oldOf(ours())] },
  ],
  [
    "a rejected symbol, traded there",
    "other dispatched_there",
    { here: [ignored("invalid_field", { status: "rejected", field: "symbol" })], there: [oldOf(ours())] },
  ],
];

function timeless(changes: Partial<OurSignal>): Partial<OurSignal> {
  return { status: "rejected", signalId: null, direction: null, barTime: null, ...changes };
}

test.each<[what: string, logs: Logs]>([
  [
    "a signal before its ticker was known, and again",
    { here: [ignored("unknown_ticker"), ours({ at: NOW + 1 })], there: [oldOf(ours({ at: NOW + 1 }))] },
  ],
  [
    "the same when the old log has a row of each",
    {
      here: [ignored("unknown_ticker"), ours({ at: NOW + 1 })],
      there: [oldOf(ignored("unknown_ticker")), oldOf(ours({ at: NOW + 1 }))],
    },
  ],
  [
    "a phrase in lower case that the old router took",
    { here: [ours({ written: { message: "signal_1_long", symbol: "BTCUSDT" } })], there: [oldOf(ours())] },
  ],
  [
    "a row that names its signal by the message alone",
    {
      here: [ours()],
      there: [oldOf(ours(), { signalId: null, direction: null, message: " signal_1_LONG " })],
    },
  ],
])("%s is no difference", (_what, logs) => {
  expect(compared(logs).classes).toEqual(NONE);
});

test("a phrase in lower case is no partner of the same signal in upper case, which is a repeated one here", () => {
  const lower = ours({ written: { message: "signal_1_long", symbol: "BTCUSDT" } });
  const again = ignored("duplicate_uid", { status: "duplicate", at: NOW + 1 });
  const { classes } = compared({ here: [lower, again], there: [oldOf(ours({ at: NOW + 1 }))] });
  expect(classes).toEqual({ ...NONE, case: 1, repeat: 1 });
});

test.each(DIFFERENT)("%s: %s", (_what, expected, logs) => {
  const { first, classes } = compared(logs);
  expect(first.map((each) => `${each.class} ${each.kind}`)).toEqual([expected]);
  expect(Object.values(classes).reduce((sum, count) => sum + count)).toBe(1);
});

test("each planted difference is found among signals that agree, and nothing else", () => {
  const planted = fc.constantFrom(...DIFFERENT).map(([, expected, { here, there }]) => {
    // Of a symbol of its own, so that no other signal is its partner.
    const move = <Row extends OurSignal | Logs["there"][number]>(row: Row): Row => ({
      ...row,
      symbol: "SOLUSDT",
    });
    return { expected, here: here.map(move), there: there.map(move) };
  });
  fc.assert(
    fc.property(equalLogs, planted, (logs, { expected, here, there }) => {
      const found = compared({ here: [...logs.here, ...here], there: [...logs.there, ...there] });
      expect(found.first.map((each) => `${each.class} ${each.kind}`)).toEqual([expected]);
    }),
  );
});

describe("of the differences", () => {
  test("all are counted and the first of each class are kept, other first", () => {
    const lower = { written: { message: "signal_1_long", symbol: "BTCUSDT" } };
    const here = Array.from({ length: 20 }, (_, n) =>
      ours({ at: NOW + n, barTime: n, ...(n < 10 ? lower : {}) }),
    );
    const { classes, first } = compared({ here, there: [] });
    expect(classes).toEqual({ ...NONE, other: 10, case: 10 });
    expect(first.map((each) => each.class)).toEqual([
      ...Array.from({ length: 5 }, () => "other"),
      ...Array.from({ length: 5 }, () => "case"),
    ]);
  });

  test("those at the ends of the common span are left out when the other log may lack the signal", () => {
    const window = { from: NOW, to: NOW + 100_000, edgeMs: 1_000 };
    const at = (ms: number) => ours({ at: NOW + ms, barTime: ms });
    const partner = oldOf(at(-20), { at: NOW + 5 });
    const logs = { here: [at(-20), at(50), at(99_500)], there: [partner, oldOf(at(40))] };
    expect(compared(logs, window)).toMatchObject({ classes: NONE, atEdges: 3, ours: 2, old: 2 });
    expect(compared({ here: [at(1_001)], there: [] }, window)).toMatchObject({
      classes: { other: 1 },
      atEdges: 0,
    });
  });

  test("strategies that the old row does not name are counted, and not compared", () => {
    const logs = { here: [ours()], there: [oldOf(ours(), { strategies: null })] };
    expect(compared(logs)).toMatchObject({ classes: NONE, strategiesUnknown: 1, agreeing: 1 });
  });
});
