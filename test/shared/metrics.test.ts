import { expect, test } from "vitest";
import {
  countedExecution,
  decisionCounters,
  executionCounters,
  processingField,
  PROCESSING_MS_BOUNDS,
} from "../../shared/metrics.ts";
import { EXECUTION_STATUSES } from "../../shared/reasons.ts";
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

test.each(EXECUTION_STATUSES)("the counters of a task that ended %s tell its outcome", (status) => {
  for (const durationMs of [null, 7]) {
    const counters = executionCounters(12, { status, reason: null, detail: {}, attempt: 1, durationMs });
    expect(countedExecution(counters)).toEqual({ strategyId: 12, status, wasRun: durationMs !== null });
  }
});

test("other counters tell no outcome of a task", () => {
  expect([
    countedExecution([]),
    countedExecution(["signals:ignored"]),
    countedExecution(["strategy:1:shadow"]),
  ]).toEqual([undefined, undefined, undefined]);
});
