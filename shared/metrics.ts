import type { Decision } from "./decide/decision.ts";
import type { ExecutionOutcome } from "./decide/execution-outcome.ts";
import type { SignalReason } from "./reasons.ts";

/**
 * Fields of the `metrics` hash. The commit raises the counters, so they add up over processes and restarts, and agree exactly
 * with the records; only those of alerts and notifications are raised by the process, now and then.
 *
 *   signals:<status>                      decisions
 *   reasons:<reason>                      decisions that were not dispatched, by reason
 *   strategy:<id>:<status>                outcomes
 *   execution:<id>:<status>               outcomes of tasks, whether they were run or no longer to be run
 *   attempts:<id>                         attempts of these tasks in total
 *   run_ms:<id>:le:<bound>                last attempts that were run and took up to <bound> ms (not cumulative)
 *   run_ms:<id>:sum                       … and the milliseconds they took in total
 *   worker_reports:<what>                 what workers reported beside outcomes
 *   alerts_refused:<code>                 alerts that the webhook refused
 *   notifications_dropped:<cause>         outcomes that could not be posted to NOTIFY_URL
 *   processing_ms:<function>:le:<bound>   entries committed within <bound> ms of their entry id's time (not cumulative)
 *   processing_ms:<function>:sum          … and the milliseconds they took in total
 */

/** Upper bounds of the processing-time buckets in milliseconds; the last bucket is `inf`. */
export const PROCESSING_MS_BOUNDS = [
  1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 60_000,
] as const;

/** Why the webhook refuses alerts: the codes of its problems, and `other`. */
export const ALERT_REFUSALS = [
  "missing_secret",
  "wrong_secret",
  "too_many_failures",
  "too_many_in_flight",
  "no_such_route",
  "method_not_allowed",
  "unsupported_encoding",
  "address_not_allowed",
  "body_too_large",
  "body_late",
  "body_broken_off",
  "not_a_json_object",
  "unreadable_body",
  "invalid_signal",
  "size_change",
  "no_exit_phrase",
  "unknown_source",
  "source_disabled",
  "snapshot_missing",
  "not_confirmed",
  "shadow_router",
  "other",
] as const;

/** The counter of a refused alert. */
export function refusalCounter(code: string): string {
  return `alerts_refused:${ALERT_REFUSALS.find((known) => known === code) ?? "other"}`;
}

/** Why outcomes were not posted to NOTIFY_URL: its receiver refused the post, or every attempt failed. */
export const NOTIFICATION_DROPS = ["refused", "failed"] as const;

/** The counter of notifications that were dropped. */
export function dropCounter(cause: (typeof NOTIFICATION_DROPS)[number]): string {
  return `notifications_dropped:${cause}`;
}

/** What becomes of a worker's report: it is passed on to the log, is no report, or leads to no decision. */
export const REPORT_ENDS = ["collected", "unreadable", "unknown"] as const;

export function reportCounter(end: (typeof REPORT_ENDS)[number]): string {
  return `worker_reports:${end}`;
}

/** The counters that a decision raises. */
export function decisionCounters(
  status: Decision["status"] | "duplicate",
  reason: SignalReason | null,
  outcomes: Decision["outcomes"],
): string[] {
  const counters = [`signals:${status}`];
  if (reason !== null) counters.push(`reasons:${reason}`);
  for (const outcome of outcomes) counters.push(`strategy:${outcome.strategy_id}:${outcome.status}`);
  return counters;
}

/** The field of the processing-time bucket with this upper bound, or of the sum. */
export function processingField(functionName: string, part: number | "inf" | "sum"): string {
  return part === "sum" ? `processing_ms:${functionName}:sum` : `processing_ms:${functionName}:le:${part}`;
}

/** Upper bounds of the run-time buckets in milliseconds; the last bucket is `inf`. */
export const RUN_MS_BOUNDS = [1, 5, 10, 50, 100, 500, 1000, 5000, 10_000, 60_000] as const;

/** The counters that a task's outcome raises by one. */
export function executionCounters(strategyId: number, { status, durationMs }: ExecutionOutcome): string[] {
  const counters = [`execution:${strategyId}:${status}`];
  if (durationMs !== null) {
    const bound = RUN_MS_BOUNDS.find((ms) => durationMs <= ms) ?? "inf";
    counters.push(`run_ms:${strategyId}:le:${bound}`);
  }
  return counters;
}

/** The outcome that raises these counters; undefined when they are not those of a task. */
export function countedExecution(counters: readonly string[]): CountedExecution | undefined {
  const [, id, status] = counters[0]?.split(":", 3) ?? [];
  if (counters[0]?.startsWith("execution:") !== true || id === undefined || status === undefined)
    return undefined;
  return { strategyId: Number(id), status, wasRun: counters.length > 1 };
}

export interface CountedExecution {
  readonly strategyId: number;
  /** One of `ExecutionStatus`. */
  readonly status: string;
  /** Whether an attempt was begun. */
  readonly wasRun: boolean;
}

/** The counters that a task's outcome raises by an amount. */
export function executionSums(
  strategyId: number,
  { attempt, durationMs }: ExecutionOutcome,
): Record<string, number> {
  const attempts = { [`attempts:${strategyId}`]: attempt };
  return durationMs === null ? attempts : { ...attempts, [`run_ms:${strategyId}:sum`]: durationMs };
}
