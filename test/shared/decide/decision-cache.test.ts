import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decide } from "../../../shared/decide/decide.ts";
import { DecisionCache } from "../../../shared/decide/decision-cache.ts";
import type { DecisionContext, Verdict } from "../../../shared/decide/decision.ts";
import { parseSignal, type Signal } from "../../../shared/signal/signal.ts";
import { anyAgeMax, anyRows, batchOf, likelyFields } from "../../arbitraries.ts";
import {
  contextFrom,
  entryFrom,
  NOW,
  rowsWithStrategies,
  signalFields,
  signalRow,
  snapshotFrom,
  strategyRow,
  tickerRow,
} from "../../builders.ts";

const tickers = [tickerRow("AAA"), tickerRow("BBB", { status: "disabled" })];
const two = rowsWithStrategies([strategyRow(10), strategyRow(20, { enabled: false })], { tickers });

function signal(fields: Record<string, string>): Signal {
  const parsed = parseSignal(entryFrom(signalFields(fields)), NOW);
  if (parsed.status === "rejected") throw new Error("a valid signal was expected");
  return parsed.signal;
}

/** Decides signals in one context with one cache. */
function deciding(cache: DecisionCache<string>, context: DecisionContext = contextFrom({ rows: two })) {
  return (fields: Record<string, string>) => cache.decide(signal(fields), context);
}

test("decisions are the same with and without it, in whatever order signals and contexts come", () => {
  const signals = batchOf(likelyFields).map((entries) =>
    entries.flatMap((entry) => {
      const parsed = parseSignal(entry, NOW);
      return parsed.status === "valid" ? [parsed.signal] : [];
    }),
  );
  /** Up to two snapshots and two controls, in every combination. */
  const contexts = fc
    .tuple(
      fc.array(anyRows, { minLength: 1, maxLength: 2 }),
      fc.array(fc.subarray([1, 2, 3, 4, 5]), { minLength: 1, maxLength: 2 }),
    )
    .chain(([rows, paused]) =>
      fc.array(
        fc.record({
          snapshot: fc.constantFrom(...rows.map((each) => snapshotFrom(each))),
          control: fc.constantFrom(...paused.map((each) => contextFrom({ paused: new Set(each) }).control)),
          now: fc.constantFrom(NOW, NOW + 1_000),
          signalAgeMsMax: anyAgeMax,
          anyAge: fc.boolean(),
        }),
        { maxLength: 8 },
      ),
    );
  const outcomesMax = fc.oneof(fc.nat({ max: 6 }), fc.constant(50_000));
  fc.assert(
    fc.property(signals, contexts, outcomesMax, (given, inTurn, max) => {
      const cache = new DecisionCache(max);
      for (const context of inTurn) {
        for (const each of given) expect(cache.decide(each, context)).toEqual(decide(each, context));
      }
    }),
  );
});

test("signals for the same strategies share their outcomes, whatever their direction", () => {
  const decided = deciding(new DecisionCache());
  const long = decided({ message: "SIGNAL_1_LONG", symbol: "AAA" }).outcomes;
  expect(decided({ message: "SIGNAL_1_SHORT", symbol: "AAA" }).outcomes).toBe(long);
  const blocked = decided({ message: "SIGNAL_1_LONG", symbol: "BBB" }).outcomes;
  expect(blocked).not.toBe(long);
  expect(decided({ message: "SIGNAL_1_SHORT", symbol: "BBB" }).outcomes).toBe(blocked);
});

describe("exits", () => {
  const signals = [signalRow(1, { exit_phrase: "EXIT" })];
  const cached = (strategies: readonly ReturnType<typeof strategyRow>[], changes = {}) => {
    const rows = rowsWithStrategies(strategies, { tickers, signals });
    return deciding(new DecisionCache(), contextFrom({ rows, ...changes }));
  };

  test("are kept apart from openings of the same strategies", () => {
    const decided = cached([strategyRow(10, { exits: true, exit_age_ms_max: 0 }), strategyRow(20)]);
    const [opening, exit] = ["SIGNAL_1_LONG", "EXIT"].map((message) => decided({ message, symbol: "AAA" }));
    expect(opening?.outcomes.map(({ reason }) => reason)).toEqual([null, null]);
    expect(exit?.outcomes.map(({ reason }) => reason)).toEqual([null, "exits_not_taken"]);
    expect(decided({ message: "EXIT", symbol: "BBB" }).outcomes).toBe(exit?.outcomes);
    expect(decided({ message: "SIGNAL_1_SHORT", symbol: "AAA" }).outcomes).toBe(opening?.outcomes);
  });

  test("are kept where only openings depend on the signal, and not where their age counts", () => {
    const limited = { use_all_tickers: false, signal_age_ms_max: 5_000 };
    const kept = cached([strategyRow(10, limited), strategyRow(20, { exits: true, exit_age_ms_max: 0 })]);
    const exit = { message: "EXIT", symbol: "AAA" };
    expect(kept(exit).outcomes).toBe(kept(exit).outcomes);
    const aged = cached([strategyRow(10, { exits: true })], { signalAgeMsMax: 1_000 });
    expect(aged(exit).status).toBe("dispatched");
    expect(aged({ ...exit, sent_at: String(NOW - 1_001) }).outcomes[0]?.reason).toBe("stale");
  });
});

/** Counts how often something is derived from a verdict. */
function counting() {
  const calls: Verdict[] = [];
  const derive = (verdict: Verdict): string => `derived ${calls.push(verdict)}`;
  return { calls, derive };
}

test("outcomes that depend on the signal are not kept, nor what is derived from them", () => {
  const rows = rowsWithStrategies([strategyRow(10), strategyRow(20, { signal_age_ms_max: 5_000 })], {
    tickers,
  });
  const cache = new DecisionCache<string>();
  const decided = deciding(cache, contextFrom({ rows }));
  const { calls, derive } = counting();
  const decision = decided({ symbol: "AAA" });
  expect(decided({ symbol: "AAA" }).outcomes).not.toBe(decision.outcomes);
  cache.derived(decision, derive);
  cache.derived(decision, derive);
  expect(calls).toHaveLength(2);
});

test("it starts over rather than keep more outcomes than it may", () => {
  const cache = new DecisionCache<string>(3);
  const decided = deciding(cache);
  const { derive } = counting();
  const routed = decided({ symbol: "AAA" });
  expect([cache.derived(routed, derive), cache.derived(routed, derive)]).toEqual(["derived 1", "derived 1"]);
  const blocked = decided({ symbol: "BBB" });
  expect([cache.derived(blocked, derive), cache.derived(blocked, derive)]).toEqual([
    "derived 2",
    "derived 2",
  ]);
  expect(cache.derived(routed, derive)).toBe("derived 3");
  expect(decided({ symbol: "AAA" }).outcomes).not.toBe(routed.outcomes);
});

test("it starts over with another control", () => {
  const cache = new DecisionCache<string>();
  const context = contextFrom({ rows: two });
  const paused = { ...context, control: contextFrom({ paused: new Set([10]) }).control };
  const reasons = [context, paused, context].map(
    (each) => deciding(cache, each)({ symbol: "AAA" }).outcomes[0]?.reason,
  );
  expect(reasons).toEqual([null, "paused", null]);
});

test("it starts over with another snapshot", () => {
  const cache = new DecisionCache<string>();
  const context = contextFrom({ rows: two });
  const closest = ["EMA1", "EMA2"].map((phrase) => {
    const signals = [signalRow(1, { long_phrase: phrase, short_phrase: null })];
    const snapshot = snapshotFrom({ ...two, signals });
    return deciding(cache, { ...context, snapshot })({ message: "EMA" }).detail["closest_phrase"];
  });
  expect(closest).toEqual(["EMA1", "EMA2"]);
});

test("the detail of an unknown phrase is made once, and kept for a thousand phrases at most", () => {
  const decided = deciding(new DecisionCache());
  const detailOf = (message: string) => decided({ message }).detail;
  const detail = detailOf("SIGNAL_1_LNG");
  expect(detail).toEqual({ closest_phrase: "SIGNAL_1_LONG" });
  const routed = decided({ symbol: "AAA" }).outcomes;
  for (let i = 1; i < 1_000; i += 1) detailOf(`unknown ${i}`);
  expect(detailOf("signal_1_lng ")).toBe(detail);
  detailOf("unknown 1000");
  expect(detailOf("SIGNAL_1_LNG")).toEqual(detail);
  expect(detailOf("SIGNAL_1_LNG")).not.toBe(detail);
  expect(decided({ symbol: "AAA" }).outcomes).toBe(routed);
});
