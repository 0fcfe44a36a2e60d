import { PROCESSING_MS_BOUNDS, processingField } from "./metrics.ts";

/** The fields that the status page of the system before reads from the hash `metrics:signals`. */
export interface OldMetrics {
  readonly signals_processed_total: number;
  readonly signals_dispatched_total: number;
  /** Every signal that was not dispatched, whatever the reason. */
  readonly signals_ignored_total: number;
  readonly strategies_dispatched_total: number;
  /** Mean time from a signal's entry id to its commit, of those since `before`. */
  readonly processing_latency_ms: number;
}

/** Fields of the hash `metrics`. */
export type Counters = Readonly<Record<string, number | undefined>>;

/** The old fields from the router's counters. `before` are the counters of the last time, if they are known. */
export function oldMetricsOf(counters: Counters, before: Counters = {}): OldMetrics {
  const processed = sumOf(counters, /^signals:/);
  const dispatched = counters["signals:dispatched"] ?? 0;
  return {
    signals_processed_total: processed,
    signals_dispatched_total: dispatched,
    signals_ignored_total: processed - dispatched,
    strategies_dispatched_total: sumOf(counters, /^strategy:\d+:dispatched$/),
    processing_latency_ms: meanMs(counters, before) ?? meanMs(counters, {}) ?? 0,
  };
}

function sumOf(counters: Counters, field: RegExp): number {
  return Object.entries(counters).reduce(
    (sum, [name, value]) => (field.test(name) ? sum + (value ?? 0) : sum),
    0,
  );
}

const ROUTING = "process-signals";

/** In ms, to a tenth; undefined without signals in between. */
function meanMs(now: Counters, before: Counters): number | undefined {
  const since = (field: string): number => (now[field] ?? 0) - (before[field] ?? 0);
  const count = [...PROCESSING_MS_BOUNDS, "inf" as const].reduce<number>(
    (sum, bound) => sum + since(processingField(ROUTING, bound)),
    0,
  );
  const sumMs = since(processingField(ROUTING, "sum"));
  // Fewer than before: Redis was emptied.
  return count > 0 && sumMs >= 0 ? Math.round((sumMs / count) * 10) / 10 : undefined;
}
