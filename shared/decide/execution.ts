import type { Append, Branch } from "../function.ts";
import { executionCounters, executionSums } from "../metrics.ts";
import type { ExecutionReason } from "../reasons.ts";
import type { AttemptRecord, OutcomeRecord } from "../records.ts";
import type { Snapshot, SubscribedStrategy } from "../reference/snapshot.ts";
import type { Detail } from "../signal/signal.ts";
import { taskAge, type Task } from "../task.ts";
import { staleFor } from "./age.ts";
import type { Control } from "./control.ts";
import type { ExecutionOutcome } from "./execution-outcome.ts";
import { rulesOf } from "./rules.ts";

/** Whether a task may be run now, by the strategy as it is now, or why not. */
export function permissionFor(
  task: Task,
  { snapshot, control, now, signalAgeMsMax }: ExecutionContext,
): Permission {
  const strategy = snapshot.strategies.get(task.strategyId);
  if (strategy === undefined) return refused("unknown_strategy", { snapshot: snapshot.version });
  if (!strategy.enabled) return refused("strategy_disabled");
  if (strategy.archived) return refused("strategy_archived");
  const { direction } = task;
  // What runs it now may be a handler that knows two directions.
  if (rulesOf(direction).strategy.exits_not_taken && strategy.exits !== true)
    return refused("exits_not_taken");
  if (strategy.shadow) return refused("shadow");
  const stale = staleFor(strategy, taskAge(task, now), { direction, signalAgeMsMax });
  if (stale !== undefined) return refused("stale", stale);
  if (control.allPaused) return refused("paused", { paused: "all strategies" });
  if (control.pausedStrategies.has(task.strategyId)) return refused("paused");
  return { run: true, strategy };
}

/** What decides whether a task may be run, besides the task. */
export interface ExecutionContext {
  readonly snapshot: Snapshot;
  readonly control: Control;
  /** Redis' clock, milliseconds since 1970. */
  readonly now: number;
  /** 0: no limit. */
  readonly signalAgeMsMax: number;
}

export type Permission =
  | { readonly run: true; readonly strategy: SubscribedStrategy }
  | { readonly run: false; readonly reason: ExecutionReason; readonly detail: Detail };

function refused(reason: ExecutionReason, detail: Detail = {}): Permission {
  return { run: false, reason, detail };
}

/** What publishes how an attempt ended after which there is another. `at` is in milliseconds since 1970. */
export function attemptAppend(
  task: Task,
  { attempt, detail, durationMs }: Pick<ExecutionOutcome, "attempt" | "detail" | "durationMs">,
  { invocation, at }: { readonly invocation: string; readonly at: number },
): Append {
  const reason: ExecutionReason = "retryable_error";
  const record: AttemptRecord = {
    uid: task.uid,
    strategy_id: task.strategyId,
    status: "failed",
    reason,
    detail,
    attempt,
    duration_ms: durationMs,
    at: new Date(at).toISOString(),
    task_id: task.id,
  };
  const fields = { kind: "attempt", invocation, entry_id: task.entryId, data: JSON.stringify(record) };
  return { stream: "signal_results", fields };
}

/** The effects that publish a task's outcome: its record and its counters. `at` is in milliseconds since 1970. */
export function outcomeEffects(
  task: Task,
  outcome: ExecutionOutcome,
  { invocation, at }: { readonly invocation: string; readonly at: number },
): Branch {
  const record: OutcomeRecord = {
    uid: task.uid,
    strategy_id: task.strategyId,
    status: outcome.status,
    reason: outcome.reason,
    detail: outcome.detail,
    attempt: outcome.attempt,
    duration_ms: outcome.durationMs,
    at: new Date(at).toISOString(),
    ...(task.retry === null ? {} : { retry: task.retry }),
  };
  const fields = { kind: "outcome", invocation, entry_id: task.entryId, data: JSON.stringify(record) };
  return {
    append: [{ stream: "signal_results", fields }],
    count: executionCounters(task.strategyId, outcome),
    sum: executionSums(task.strategyId, outcome),
  };
}
