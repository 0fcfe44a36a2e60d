import { executeStrategies, type ExecutePorts } from "../../functions/execute-strategies.ts";
import { runMsMaxOf } from "../../shared/config/run-limits.ts";
import type { Entry } from "../../shared/entry.ts";
import { messageOf } from "../../shared/error-message.ts";
import { readTime } from "../../shared/io/redis/clock.ts";
import { isoTime } from "../../shared/signal/time.ts";
import type { Binding, BindingOptions, TaskRetryOptions } from "../engine/binding.ts";
import { checkedAnswers } from "./checked-answers.ts";
import {
  commonPorts,
  executionBinding,
  GROUP,
  heldAttempt,
  lanesOf,
  NEVER,
  STREAM,
  type ExecutionDeps,
} from "./execution-binding.ts";
import { runTasks } from "./task-ends.ts";
import { unconfirmed } from "./tasks-confirmed.ts";

/** `execute-strategies` on demand: entries that no consumer holds, each run once; `asConsumer` gives it for the tasks of a group. */
export function manualExecutionBinding(
  deps: ExecutionDeps,
  { invocation, retry, attempt = 1, whilePaused = "decide", stopping = NEVER }: BindingOptions,
): Binding {
  const tasks = runTasks(deps.taskEnds);
  const ports: ExecutePorts = {
    ...commonPorts(deps),
    lanes: lanesOf(deps, stopping),
    stopping,
    abort: NEVER,
    // Those of a retry belong to the invocation that dispatched them.
    ...(invocation === undefined || retry !== undefined ? {} : { invocation }),
    // No commit comes before the run that could refuse an outdated snapshot, so it is read now.
    async claimAttempt(id) {
      const context = await deps.routing.latest();
      if ("status" in context) return context;
      tasks.begun(id, context.snapshot);
      try {
        return heldAttempt(attempt, context, { now: await readTime(deps.redis), config: deps.config });
      } catch (error) {
        return { status: "unavailable", what: "redis", error: messageOf(error) };
      }
    },
    pause: async () => false,
    // The caller can repeat the call.
    attemptsMax: 1,
  };
  return {
    functionName: "execute-strategies",
    stream: STREAM,
    group: GROUP,
    sideEffectMsMax: runMsMaxOf(deps.config),
    async *run(entries) {
      const context = await deps.routing.latest();
      try {
        const lacking = await unconfirmed(deps.confirm);
        if (lacking !== undefined) yield lacking;
        else if ("status" in context) yield context;
        else if (whilePaused === "wait" && context.control.allPaused)
          yield { status: "unavailable", what: "dispatching", error: "every strategy is paused" };
        else yield* checkedAnswers(entries, executeStrategies(retriedEntries(entries, retry), ports));
      } finally {
        tasks.over(entries);
      }
    },
    onCommitted: (result) => tasks.committed(result),
    invalidate: () => deps.routing.invalidate(),
    asConsumer: (consumer, context) => executionBinding(deps, { ...context, consumer }),
  };
}

/** The tasks as those of a retry. */
function retriedEntries(entries: readonly Entry[], retry: TaskRetryOptions | undefined): readonly Entry[] {
  if (retry === undefined) return entries;
  const { id, retriedAt } = retry;
  const again = { retry: id, ...(retriedAt === undefined ? {} : { retried_at: isoTime(retriedAt) }) };
  return entries.map((entry) => ({ id: entry.id, fields: { ...entry.fields, ...again } }));
}
