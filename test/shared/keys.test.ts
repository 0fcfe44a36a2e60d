import { expect, test } from "vitest";
import { keysOf, type Keys } from "../../shared/keys.ts";

/** The names that other services and the documentation use. */
const NAMES: readonly (readonly [name: string, key: (keys: Keys) => string])[] = [
  ["metrics", (keys) => keys.metrics],
  ["metrics:signals", (keys) => keys.oldMetrics],
  ["control", (keys) => keys.control],
  ["groups", (keys) => keys.groups],
  ["reference:current", (keys) => keys.referenceCurrent],
  ["reference:confirmed_at", (keys) => keys.referenceConfirmedAt],
  ["reference:ticket", (keys) => keys.referenceTicket],
  ["reference:published_ticket", (keys) => keys.referencePublishedTicket],
  ["signals_stream", (keys) => keys.stream("signals_stream")],
  ["strategy_input_stream", (keys) => keys.stream("strategy_input_stream")],
  ["signal_results", (keys) => keys.stream("signal_results")],
  ["system_events", (keys) => keys.stream("system_events")],
  ["dead_letters", (keys) => keys.stream("dead_letters")],
  ["dedup:u1", (keys) => keys.dedup("u1")],
  [
    "sequence:system_events:log_writer:host-1",
    (keys) => keys.sequence("system_events", "log_writer", "host-1"),
  ],
  ["done:replay-1:5-0", (keys) => keys.done("replay-1", "5-0")],
  ["reference:v1:tickers", (keys) => keys.reference("v1", "tickers")],
  ["reference:v1:strategies", (keys) => keys.reference("v1", "strategies")],
  ["reference:v1:strategy_signals", (keys) => keys.reference("v1", "strategy_signals")],
  ["reference:v1:meta", (keys) => keys.reference("v1", "meta")],
];

test.each(NAMES)("%s is the key's name, after the prefix", (name, key) => {
  expect([key(keysOf("")), key(keysOf("{signals}:"))]).toEqual([name, `{signals}:${name}`]);
});

test("an outcome stream of another system has no prefix", () => {
  const keys = keysOf("{signals}:", { outcomeStreams: ["signal_log_queue"] });
  expect(keys.outcomeStreams.map((name) => keys.stream(name))).toEqual(["signal_log_queue"]);
  expect(keys.stream("signal_results")).toBe("{signals}:signal_results");
});

test("no two keys share a name", () => {
  const names = NAMES.map(([, key]) => key(keysOf("p:")));
  expect(new Set(names).size).toBe(names.length);
});

test.each(NAMES)(
  "with a suffix %s has it at the end of its first part, unless it is the shared stream",
  (name, key) => {
    const [first = "", ...rest] = name.split(":");
    const own = first === "signals_stream" ? first : `${first}_new`;
    expect(key(keysOf("p:", { groupSuffix: "_new" }))).toBe(["p", own, ...rest].join(":"));
  },
);

test("groups and shard have the suffix", () => {
  const keys = keysOf("p:", { groupSuffix: "_new" });
  expect([keys.group("signal_processor"), keys.shard]).toEqual(["signal_processor_new", "p:_new"]);
  expect(keys.stream("strategies:mine")).toBe("p:strategies_new:mine");
});
