import { expect, test } from "vitest";
import { tailed, type TailFilter } from "../../../../runner/http/signals/tail-filter.ts";
import type { DecisionItem, OutcomeItem } from "../../../../runner/telemetry/feed-items.ts";
import { routed } from "../../../shared/io/log/logged.ts";

const common = {
  id: "9-0",
  entry_id: "1-0",
  invocation: "live",
  uid: "u",
  at: "2026-01-02T00:00:00.000Z",
  symbol: "BTCUSDT",
  message: "UP",
  reason: null,
  detail: {},
};
const decision: DecisionItem = {
  ...common,
  kind: "decision",
  status: "dispatched",
  direction: "long",
  side: null,
  source: null,
  duplicate_of: null,
  strategies: [routed(10), routed(11, { status: "ignored", reason: "paused" })],
};
const ended = (status: string, kind: OutcomeItem["kind"] = "outcome"): OutcomeItem => ({
  ...common,
  kind,
  status,
  strategy_id: 10,
  strategy: "ten",
  attempt: 1,
  duration_ms: 5,
});
const ITEMS = {
  decision,
  executed: ended("executed"),
  failed: ended("failed"),
  attempt: ended("failed", "attempt"),
};

test.each<[TailFilter, (keyof typeof ITEMS)[]]>([
  [{}, ["decision", "executed", "failed", "attempt"]],
  [{ failed: true }, ["failed", "attempt"]],
  [{ symbol: "ETHUSDT" }, []],
  [{ symbol: "BTCUSDT", status: "executed" }, ["executed"]],
  [{ status: "ignored" }, ["decision"]],
  [{ status: "dispatched" }, ["decision"]],
  [{ strategy: 11 }, ["decision"]],
  [{ strategy: 11, status: "dispatched" }, []],
  [{ strategy: 10, status: "failed" }, ["failed", "attempt"]],
  [{ strategy: 12 }, []],
])("%j shows %j", (filter, shown) => {
  const found = Object.entries(ITEMS).filter(([, item]) => tailed(item, filter) !== undefined);
  expect(found.map(([name]) => name)).toEqual(shown);
});

test("of a decision only the outcome of the strategy that was asked for is shown", () => {
  expect(tailed(decision, { strategy: 11 })).toMatchObject({ strategies: [{ strategy_id: 11 }] });
});
