import { FUNCTION_NAMES } from "../../shared/function-names.ts";
import type { Status } from "../../shared/io/status/status.ts";
import {
  ALERT_REFUSALS,
  NOTIFICATION_DROPS,
  PROCESSING_MS_BOUNDS,
  REPORT_ENDS,
  RUN_MS_BOUNDS,
} from "../../shared/metrics.ts";
import {
  EXECUTION_STATUSES,
  ROUTING_STATUSES,
  SIGNAL_REASONS,
  SIGNAL_STATUSES,
} from "../../shared/reasons.ts";

/** The Prometheus metrics that commits and processes count, made from the fields of the metrics hash. */

/** One metric with all its series. */
export interface Family {
  /** Without the common prefix. */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** Which line of a histogram. */
  readonly part?: "bucket" | "sum" | "count";
}

export type Labels = Readonly<Record<string, string | number>>;

/**
 * A metric and the fields of the hash that belong to it; named groups become labels. They match only fixed words and
 * numbers, so the number of series is bounded with any content of the hash.
 */
interface Counted {
  readonly name: string;
  readonly help: string;
  readonly field: RegExp;
}

/** A histogram in milliseconds with separate buckets: the group `bound` is that of a bucket, without it a field is the sum. */
interface CountedHistogram extends Counted {
  readonly boundsMs: readonly number[];
}

const STRATEGY = String.raw`(?<strategy_id>\d{1,15})`;
const BUCKET_OR_SUM = String.raw`(?:le:(?<bound>\d{1,15}|inf)|sum)`;

const COUNTERS: readonly Counted[] = [
  {
    name: "signals_total",
    help: "Decisions, by status.",
    field: field(`signals:(?<status>${oneOf(SIGNAL_STATUSES)})`),
  },
  {
    name: "reasons_total",
    help: "Signals that were not dispatched, by reason.",
    field: field(`reasons:(?<reason>${oneOf(SIGNAL_REASONS)})`),
  },
  {
    name: "strategy_outcomes_total",
    help: "Outcomes of strategies in routing, by status.",
    field: field(`strategy:${STRATEGY}:(?<status>${oneOf(ROUTING_STATUSES)})`),
  },
  {
    name: "strategy_executions_total",
    help: "Finished tasks, by status.",
    field: field(`execution:${STRATEGY}:(?<status>${oneOf(EXECUTION_STATUSES)})`),
  },
  {
    name: "worker_reports_total",
    help: "Reports of workers, by what became of them: passed on to the log, no report, or of an unknown uid.",
    field: field(`worker_reports:(?<end>${oneOf(REPORT_ENDS)})`),
  },
  {
    name: "strategy_attempts_total",
    help: "Attempts of finished tasks.",
    field: field(`attempts:${STRATEGY}`),
  },
  {
    name: "dead_letters_total",
    help: "Dead letters so far, by the function that could not process the entry.",
    field: field(`dead_letters:(?<function>${oneOf(FUNCTION_NAMES)})`),
  },
  {
    name: "alerts_refused_total",
    help: "Alerts that the webhook refused, by the code of the answer.",
    field: field(`alerts_refused:(?<code>${oneOf(ALERT_REFUSALS)})`),
  },
  {
    name: "notifications_dropped_total",
    help: "Outcomes that could not be posted to NOTIFY_URL: refused by its receiver, or failed in every attempt.",
    field: field(`notifications_dropped:(?<cause>${oneOf(NOTIFICATION_DROPS)})`),
  },
];

const HISTOGRAMS: readonly CountedHistogram[] = [
  {
    name: "processing_seconds",
    help: "Time from an entry's id to its commit.",
    field: field(`processing_ms:(?<function>${oneOf(FUNCTION_NAMES)}):${BUCKET_OR_SUM}`),
    boundsMs: PROCESSING_MS_BOUNDS,
  },
  {
    name: "strategy_run_seconds",
    help: "Duration of the last attempt of each finished task that was run.",
    field: field(`run_ms:${STRATEGY}:${BUCKET_OR_SUM}`),
    boundsMs: RUN_MS_BOUNDS,
  },
];

/** The metrics counted in Redis, over all processes and restarts. */
export function countedMetrics({ metrics }: Pick<Status, "metrics">): Family[] {
  const counts = Object.entries(metrics).filter(([, value]) => Number.isFinite(value) && value >= 0);
  return [
    ...COUNTERS.map((counter) => counterFamily(counter, counts)),
    ...HISTOGRAMS.map((histogram) => histogramFamily(histogram, counts)),
  ];
}

type Counts = readonly (readonly [field: string, value: number])[];

function counterFamily({ name, help, field: pattern }: Counted, counts: Counts): Family {
  const samples = counts.flatMap(([key, value]) => {
    const match = pattern.exec(key);
    return match === null ? [] : [{ labels: { ...match.groups }, value }];
  });
  return { name, help, type: "counter", samples };
}

interface Series {
  readonly labels: Labels;
  readonly buckets: { readonly boundMs: number; readonly value: number }[];
  sumMs: number;
}

function histogramFamily({ name, help, field: pattern, boundsMs }: CountedHistogram, counts: Counts): Family {
  const byLabels = new Map<string, Series>();
  for (const [key, value] of counts) {
    const match = pattern.exec(key);
    if (match === null) continue;
    const { bound, ...labels } = match.groups ?? {};
    const id = JSON.stringify(labels);
    const series = byLabels.get(id) ?? { labels, buckets: [], sumMs: 0 };
    if (bound === undefined) series.sumMs = value;
    else series.buckets.push({ boundMs: bound === "inf" ? Infinity : Number(bound), value });
    byLabels.set(id, series);
  }
  const samples = [...byLabels.values()].flatMap((series) => histogramSamples(series, boundsMs));
  return { name, help, type: "histogram", samples };
}

/** Buckets of earlier versions with other bounds count in the next larger bucket. */
function histogramSamples({ labels, buckets, sumMs }: Series, boundsMs: readonly number[]): Sample[] {
  const upTo = (limitMs: number): number =>
    buckets.reduce((sum, { boundMs, value }) => (boundMs <= limitMs ? sum + value : sum), 0);
  const count = upTo(Infinity);
  return [
    ...boundsMs.map((ms) => ({
      part: "bucket" as const,
      labels: { ...labels, le: ms / 1000 },
      value: upTo(ms),
    })),
    { part: "bucket", labels: { ...labels, le: "+Inf" }, value: count },
    { part: "sum", labels, value: sumMs / 1000 },
    { part: "count", labels, value: count },
  ];
}

function field(pattern: string): RegExp {
  return new RegExp(`^${pattern}$`);
}

function oneOf(words: readonly string[]): string {
  return [...new Set(words)].join("|");
}
