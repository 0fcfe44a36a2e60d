import { expect, test } from "vitest";
import { oldMetricsOf } from "../../shared/old-metrics.ts";

const counters = {
  "signals:dispatched": 7,
  "signals:ignored": 2,
  "signals:duplicate": 1,
  "signals:rejected": 3,
  "reasons:stale": 2,
  "strategy:1:dispatched": 7,
  "strategy:20:dispatched": 4,
  "strategy:20:ignored": 3,
  "execution:1:executed": 7,
  "processing_ms:process-signals:le:1": 10,
  "processing_ms:process-signals:le:inf": 3,
  "processing_ms:process-signals:sum": 26,
  "processing_ms:persist-log:sum": 9_999,
};

test("the old fields are sums of the router's counters", () => {
  expect(oldMetricsOf(counters)).toEqual({
    signals_processed_total: 13,
    signals_dispatched_total: 7,
    signals_ignored_total: 6,
    strategies_dispatched_total: 11,
    processing_latency_ms: 2,
  });
});

test("the latency is that of the signals since the last time, or of all when there were none or Redis was emptied", () => {
  const later = {
    ...counters,
    "processing_ms:process-signals:le:1": 12,
    "processing_ms:process-signals:sum": 36.5,
  };
  const latency = (...given: Parameters<typeof oldMetricsOf>) => oldMetricsOf(...given).processing_latency_ms;
  expect(latency(later, counters)).toBe(5.3);
  expect(latency(counters, counters)).toBe(2);
  expect(latency(counters, later)).toBe(2);
  expect(latency({})).toBe(0);
});
