import { randomUUID } from "node:crypto";
import type { CommitItem } from "../../shared/commit.ts";
import { messageOf } from "../../shared/error-message.ts";
import { eventAppend } from "../../shared/events.ts";
import { retryVerdict, type TaskState } from "../../shared/executions/retry-verdict.ts";
import type { Append } from "../../shared/function.ts";
import { invocationFields } from "../../shared/io/streams/invocations.ts";
import { committedAmong } from "../../shared/io/streams/once-fences.ts";
import type { InvocationRecord } from "../../shared/records.ts";
import { strategyLabel } from "../../shared/strategy-label.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import type { Services } from "../setup/services.ts";
import { retriedTask, retryMoment, type RetryMoment, type TaskRetryRequest } from "./retried-task.ts";
import { RetryRefused } from "./retry-state.ts";

/**
 * Puts a task into the stream again, unless the strategy as it is now would not run it. Its fence names the number of runs that
 * have ended, so that it is put there once before the next one has. Returns the id of the retry.
 * @throws RetryRefused, UnavailableError
 */
export async function dispatchAgain(request: DispatchRequest, services: Services): Promise<string> {
  const retry = randomUUID();
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const moment = await retryMoment(services);
    const outcome = await commitOnce(request, { ...moment, retry }, services);
    if (outcome === "applied") return retry;
    if (outcome === "fenced") throw alreadyRetried(request.task);
  }
  throw new UnavailableError("the reference or the pauses change all the time");
}

/** Refuses a task that was put into the stream after its last run in the log: that is known before the log has caught up. */
export async function refuseDispatched(task: TaskState, { redis, keys }: Services): Promise<void> {
  const verdict = retryVerdict(task);
  if (verdict.how !== "dispatch") return;
  const dispatched = await committedAmong(redis, keys, fenceOf(task, verdict.ended), [task.entryId]);
  if (dispatched.size > 0) throw alreadyRetried(task);
}

/** Named by the number of runs that have ended. */
function fenceOf({ strategyId, invocation }: TaskState, ended: number): string {
  return `retry:${strategyId}:${ended}:${invocation}`;
}

function alreadyRetried({ strategyId, strategy }: TaskState): RetryRefused {
  const label = strategyLabel(strategyId, strategy);
  const why = `${label} was told to run it again already: its outcome has not reached the log yet`;
  return new RetryRefused({ code: "already_retried", why });
}

const ROUNDS_MAX = 5;

export interface DispatchRequest extends TaskRetryRequest {
  /** Runs of it that have ended. */
  readonly ended: number;
}

interface RetryAt extends RetryMoment {
  /** Id of the retry. */
  readonly retry: string;
}

async function commitOnce(
  request: DispatchRequest,
  moment: RetryAt,
  { commit, keys, handlers, config }: Services,
): Promise<"applied" | "fenced" | "stale"> {
  const { task, ended } = request;
  const again = retriedTask(request, moment, { retry: moment.retry, handlers, config });
  const append = [again, recordOf(request, moment, keys.shard), eventOf(request, moment)];
  const item: CommitItem = { id: task.entryId, effects: { append, count: [] } };
  const { snapshot, control } = moment.context;
  const [part] = await commit([item], {
    fence: { kind: "once", invocation: fenceOf(task, ended) },
    // A pause that came meanwhile counts.
    decidedOn: { version: snapshot.version, epoch: control.epoch },
  }).catch((error: unknown) => {
    const what = "Redis did not confirm it, so it may run again or not: `executions show` says which";
    throw new UnavailableError(`${messageOf(error)}; ${what}`, { cause: error });
  });
  const answer = part?.answer;
  if (answer?.status === "stale") return "stale";
  if (answer?.status === "blocked")
    throw new UnavailableError(`Redis key ${answer.key} ${answer.problem}; nothing was put into the stream`);
  return answer?.status === "committed" && answer.outcomes[0] === "applied" ? "applied" : "fenced";
}

/** Who asked for it, and why, in the step that puts the task into the stream. */
function recordOf(
  { task, ended, allowStale, by, reason }: DispatchRequest,
  { retry, now, context }: RetryAt,
  shard: string,
): Append {
  const { entryId: entry_id, invocation, strategyId: strategy_id } = task;
  const at = new Date(now).toISOString();
  const record: InvocationRecord = {
    id: retry,
    kind: "retry",
    mode: null,
    snapshot: context.snapshot.version,
    requested_by: by,
    reason,
    selection: { shard, entry_id, invocation, strategy_id, run: ended + 1, allow_stale: allowStale },
    started_at: at,
    finished_at: at,
    counts: { dispatched: 1 },
  };
  return { stream: "signal_results", fields: invocationFields(record) };
}

function eventOf({ task, by, reason }: DispatchRequest, { retry, now }: RetryAt): Append {
  const { entryId: entry_id, invocation, strategyId: strategy_id, strategy } = task;
  const label = strategyLabel(strategy_id, strategy);
  const message = `${label} runs its task of entry ${entry_id} (${invocation}) again, retry ${retry} by ${by}: ${reason}`;
  const details = { retry, entry_id, invocation, strategy_id, by, reason };
  return eventAppend({ level: "INFO", source: "executions", message, details }, now);
}
