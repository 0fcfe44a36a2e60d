import { expect, test } from "vitest";
import { decisionCounters, processingField, PROCESSING_MS_BOUNDS } from "../../shared/metrics.ts";
import type { RoutingOutcome } from "../../shared/records.ts";

const outcome = (strategy_id: number, status: RoutingOutcome["status"]): RoutingOutcome => ({
  strategy_id,
  strategy: `strategy ${strategy_id}`,
  status,
  reason: null,
  detail: {},
});

test("a dispatched signal counts itself and every strategy's outcome", () => {
  const outcomes = [outcome(1, "dispatched"), outcome(2, "ignored"), outcome(3, "shadow")];
  expect(decisionCounters("dispatched", null, outcomes)).toEqual([
    "signals:dispatched",
    "strategy:1:dispatched",
    "strategy:2:ignored",
    "strategy:3:shadow",
  ]);
});

test("a signal that is not dispatched counts its reason too", () => {
  expect(decisionCounters("rejected", "missing_field", [])).toEqual([
    "signals:rejected",
    "reasons:missing_field",
  ]);
});

test("each part of the processing-time histogram has a field of its own, bounds ascending", () => {
  const fields = [...PROCESSING_MS_BOUNDS, "inf" as const, "sum" as const].map((part) =>
    processingField("f", part),
  );
  expect(fields.slice(-3)).toEqual([
    "processing_ms:f:le:60000",
    "processing_ms:f:le:inf",
    "processing_ms:f:sum",
  ]);
  expect(new Set(fields).size).toBe(fields.length);
  expect(PROCESSING_MS_BOUNDS.toSorted((a, b) => a - b)).toEqual(PROCESSING_MS_BOUNDS);
});
