import { expect, test } from "vitest";
import { decide, type DecisionContext } from "../../../shared/decide/decide.ts";
import { DecisionCache } from "../../../shared/decide/decision-cache.ts";
import { parseSignal, type Signal } from "../../../shared/signal/signal.ts";
import {
  contextFrom,
  entryFrom,
  NOW,
  rowsWithStrategies,
  signalFields,
  strategyRow,
  tickerRow,
} from "../../builders.ts";

const tickers = [tickerRow("AAA"), tickerRow("BBB", { status: "disabled" })];
const two = rowsWithStrategies([strategyRow(10), strategyRow(20, { enabled: false })], { tickers });

function contextWith(cache: DecisionCache, rows = two): DecisionContext {
  return { ...contextFrom({ rows }), cache };
}

function signal(fields: Record<string, string>): Signal {
  const parsed = parseSignal(entryFrom(signalFields(fields)), NOW);
  if (parsed.status === "rejected") throw new Error("a valid signal was expected");
  return parsed.signal;
}

const outcomesOf = (fields: Record<string, string>, context: DecisionContext) =>
  decide(signal(fields), context).outcomes;

test("signals for the same strategies have the very same outcomes, also those of another direction", () => {
  const context = contextWith(new DecisionCache());
  const long = outcomesOf({ message: "SIGNAL_1_LONG", symbol: "AAA" }, context);
  expect(outcomesOf({ message: "SIGNAL_1_SHORT", symbol: "AAA" }, context)).toBe(long);
  expect(outcomesOf({ message: "SIGNAL_1_LONG", symbol: "BBB" }, context)).not.toBe(long);
  expect(outcomesOf({ message: "SIGNAL_1_LONG", symbol: "BBB" }, context)).toBe(
    outcomesOf({ message: "SIGNAL_1_SHORT", symbol: "BBB" }, context),
  );
});

test("of what a single signal has to itself nothing is kept", () => {
  const rows = rowsWithStrategies([strategyRow(10), strategyRow(20, { signal_age_ms_max: 5_000 })], {
    tickers,
  });
  const cache = new DecisionCache<string>();
  const outcomes = outcomesOf({ symbol: "AAA" }, contextWith(cache, rows));
  expect(outcomesOf({ symbol: "AAA" }, contextWith(cache, rows))).not.toBe(outcomes);
  cache.keepDerived(outcomes, "derived");
  expect(cache.derived(outcomes)).toBeUndefined();
});

test("it starts over rather than keep more outcomes than it may", () => {
  const cache = new DecisionCache<string>(3);
  const routed = outcomesOf({ symbol: "AAA" }, contextWith(cache));
  cache.keepDerived(routed, "routed");
  expect(cache.derived(routed)).toBe("routed");
  const stopped = outcomesOf({ symbol: "BBB" }, contextWith(cache));
  cache.keepDerived(stopped, "stopped");
  expect(cache.derived(stopped)).toBe("stopped");
  expect(cache.derived(routed)).toBeUndefined();
  expect(outcomesOf({ symbol: "AAA" }, contextWith(cache))).not.toBe(routed);
});

test("what is said of an unknown phrase is made once, and of a thousand phrases at most", () => {
  const context = contextWith(new DecisionCache());
  const detailOf = (message: string) => decide(signal({ message }), context).detail;
  const detail = detailOf("SIGNAL_1_LNG");
  expect(detail).toEqual({ closest_phrase: "SIGNAL_1_LONG" });
  const routed = outcomesOf({ symbol: "AAA" }, context);
  for (let i = 1; i < 1_000; i += 1) detailOf(`unknown ${i}`);
  expect(detailOf("signal_1_lng ")).toBe(detail);
  detailOf("unknown 1000");
  expect(detailOf("SIGNAL_1_LNG")).toEqual(detail);
  expect(detailOf("SIGNAL_1_LNG")).not.toBe(detail);
  expect(outcomesOf({ symbol: "AAA" }, context)).toBe(routed);
});
