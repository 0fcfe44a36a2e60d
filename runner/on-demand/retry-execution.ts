import { runMsMaxOf } from "../../shared/config/run-limits.ts";
import { effectWarning, type TaskState } from "../../shared/executions/retry-verdict.ts";
import { signalStreamOn } from "../../shared/io/streams/signal-stream.ts";
import { inOrder } from "../../shared/signal/extra.ts";
import { idempotencyKeyOf } from "../../shared/task.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import { RUNS_NO_TASKS, ShadowRefused } from "../engine/shadow-refused.ts";
import { timeLimit } from "../engine/time-limit.ts";
import type { Services } from "../setup/services.ts";
import { dispatchAgain, refuseDispatched } from "./dispatch-again.ts";
import { withLease } from "./exclusive-lease.ts";
import { retriedTask, retryMoment } from "./retried-task.ts";
import { retryBinding, retryDeadLetters, type RetryAttempt } from "./retry-dead-letters.ts";
import {
  allowedRetry,
  LOG_MS_MAX,
  loggedTask,
  RetryRefused,
  settledTask,
  type TaskKey,
} from "./retry-state.ts";

/**
 * Runs a task again that ended `failed` or `ignored`, with the idempotency key of its first run: its dead letter is retried, or,
 * without one, it is put into `strategy_input_stream` again. Of several calls at once one acts.
 * @throws RetryRefused, ShadowRefused, DatabaseError, UnavailableError when something it needs is unavailable
 */
export async function retryExecution(request: ExecutionRetry, services: Services): Promise<RetriedExecution> {
  const { config, redis, keys, clock, stopping } = services;
  if (config.shadow) throw new ShadowRefused(RUNS_NO_TASKS);
  await clock.sample();
  const { entryId, strategyId, invocation } = request;
  const lease = {
    key: keys.lease("retry", `${strategyId}:${invocation}:${entryId}`),
    what: "another call is retrying this task",
    workMsMax: WORK_MS_MAX + LOG_MS_MAX + runMsMaxOf(config),
    waiting: timeLimit(WAITING_MS_MAX, stopping),
  };
  return withLease(redis, lease, async () => retryAlone(request, services));
}

const WAITING_MS_MAX = 15_000;
/** Without the run of a dead letter, and the wait for the log. */
const WORK_MS_MAX = 70_000;

export interface ExecutionRetry extends TaskKey {
  /** Its age counts from the retry. */
  readonly allowStale: boolean;
  readonly by: string;
  readonly reason: string;
}

/** A task that was run again, or will be. */
export interface RetriedExecution extends TaskKey {
  /** Id of the retry, under which its outcome is recorded. */
  readonly retry: string;
  readonly strategy: string | null;
  readonly idempotencyKey: string;
  /** That an earlier run may have taken effect, for people. */
  readonly warning: string | undefined;
  /** Its dead letter, and what came of it; undefined when the task was put into the stream. */
  readonly deadLetter: RetryAttempt | undefined;
}

/** The task with the fields of its signal in the order in which they came, while the stream has them: the log keeps none. */
async function asSent(task: TaskState, { redis, keys }: Services): Promise<TaskState> {
  const entry = (await signalStreamOn(redis, keys).byId([task.entryId])).get(task.entryId);
  if (entry === undefined) return task;
  const raw = inOrder(task.decision.raw, Object.keys(entry.fields));
  return { ...task, decision: { ...task.decision, raw } };
}

async function retryAlone(request: ExecutionRetry, services: Services): Promise<RetriedExecution> {
  const { entryId, strategyId, invocation, allowStale, by, reason } = request;
  const known = await loggedTask(request, services);
  await refuseDispatched(known, services);
  const task = await asSent(await settledTask(request, services, known), services);
  const allowed = allowedRetry(task);
  const { uid, forcedAt = null } = task.decision;
  const retried = {
    entryId,
    strategyId,
    invocation,
    strategy: task.strategy,
    idempotencyKey: idempotencyKeyOf({ uid: uid ?? "", strategyId, invocation, forcedAt }),
    warning: effectWarning(task),
  };
  const asked = { task, allowStale, by, reason };
  if (allowed.how === "dispatch") {
    const retry = await dispatchAgain({ ...asked, ended: allowed.ended }, services);
    return { ...retried, retry, deadLetter: undefined };
  }
  const moment = await retryMoment(services);
  // Its dead letter is kept when the strategy as it is now would not run it.
  retriedTask(asked, moment, { ...services, retry: "" });
  const age = allowStale ? { retriedAt: moment.now } : {};
  const attempts: RetryAttempt[] = [];
  const { invocation: retry = "" } = await retryDeadLetters(
    { letters: [allowed.deadLetter], requestedBy: by, reason, onAttempt: (one) => attempts.push(one) },
    { ...services, bindingFor: retryBinding(services, age) },
  );
  const [deadLetter] = attempts;
  if (deadLetter === undefined || deadLetter.status === "gone") {
    const why = `its dead letter ${allowed.deadLetter} is gone: another call has retried or discarded it`;
    throw new RetryRefused({ code: "already_retried", why });
  }
  if (deadLetter.status === "left") throw new UnavailableError(deadLetter.note);
  return { ...retried, retry, deadLetter };
}
