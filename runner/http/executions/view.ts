import type { TaskAttempt, TaskRetry } from "../../../shared/executions/logged-task.ts";
import { effectWarning, retryVerdict, type TaskState } from "../../../shared/executions/retry-verdict.ts";
import { EXECUTION_STATUSES } from "../../../shared/reasons.ts";
import { idempotencyKeyOf } from "../../../shared/task.ts";
import type { EntryState } from "../../on-demand/retry-state.ts";
import type { EntryExecutionsView } from "./schemas.ts";

/** What became of the tasks of an entry, as it is answered. */
export function entryExecutionsView(entryId: string, { tasks, truncated }: EntryState): EntryExecutionsView {
  return { entry_id: entryId, tasks: tasks.map(taskView), truncated };
}

function taskView(task: TaskState): EntryExecutionsView["tasks"][number] {
  const { strategyId, strategy, invocation, decision, runs } = task;
  const { uid, symbol, direction, side = null, decided_at, forcedAt } = decision;
  const verdict = retryVerdict(task);
  const newest = runs.at(-1)?.status;
  const ended = new Set(runs.map(({ retry }) => retry?.id));
  return {
    strategy_id: strategyId,
    strategy,
    invocation,
    uid,
    symbol,
    direction,
    side,
    dispatched_at: decided_at,
    // Never a key of another run: people look for it at the receiver.
    idempotency_key:
      uid === null || forcedAt === undefined
        ? null
        : idempotencyKeyOf({ uid, strategyId, invocation, forcedAt }),
    status: EXECUTION_STATUSES.find((status) => status === newest) ?? null,
    runs: runs.map(({ status, retry, ...run }) => ({
      status,
      ...attemptView(run),
      retry: retry === null ? null : retryView(retry),
    })),
    attempts: task.attempts.map(attemptView),
    running_retries: task.retries.filter(({ id }) => !ended.has(id)).map(retryView),
    dead_letters: [...task.deadLetters],
    retry: {
      possible: verdict.how !== "refused",
      why_not: verdict.how === "refused" ? verdict.why : null,
      warning: effectWarning(task) ?? null,
    },
  };
}

function attemptView({ reason, detail, attempt, durationMs, at }: TaskAttempt) {
  return { reason, detail: { ...detail }, attempt, duration_ms: durationMs, at };
}

function retryView({ id, by, reason, at }: TaskRetry) {
  return { id, by, reason, at };
}
