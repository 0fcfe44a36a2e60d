import {
  attemptAppend,
  outcomeEffects,
  permissionFor,
  type ExecutionContext,
} from "../shared/decide/execution.ts";
import type { Entry } from "../shared/entry.ts";
import type { Append, Branch, EffectfulFunction, Result, Unavailable } from "../shared/function.ts";
import type { StrategyStream } from "../shared/keys.ts";
import type { ExecutionReason } from "../shared/reasons.ts";
import { openResultChannel, type ResultChannel } from "../shared/result-channel.ts";
import type { AnyStrategyHandler } from "../shared/strategy.ts";
import { laneOf, parseTask, type Task } from "../shared/task.ts";
import { ownTaskOf, reportEffects } from "../shared/worker-report.ts";
import { AttemptHistory } from "./strategies/attempt-history.ts";
import { runHandler, type Attempt, type LastAttempt, type RunPorts } from "./strategies/run-handler.ts";

/**
 * Runs the tasks in entries of `strategy_input_stream` in parallel, except those of one strategy and symbol, and yields each
 * result as soon as it is known. Right before each attempt it checks that the task may still be run.
 */
export const executeStrategies: EffectfulFunction<ExecutePorts> = async function* (entries, ports) {
  const channel = openResultChannel(entries.length);
  for (const entry of entries) {
    void execute(entry, ports, channel).then(
      () => channel.taskEnded(),
      (error: unknown) => channel.taskFailed(error),
    );
  }
  try {
    let unavailable: Unavailable | undefined;
    for (;;) {
      const pushed = channel.drain();
      const results: Result[] = [];
      for (const { result } of pushed) {
        if (result.status === "unavailable") unavailable = result;
        else results.push(result);
      }
      try {
        if (results.length > 0) yield results;
      } finally {
        // Also when the caller stops reading here: other tasks of the same lanes would wait for ever.
        for (const { settled } of pushed) settled();
      }
      if (pushed.length === 0 && !(await channel.more())) break;
    }
    channel.throwFailure();
    if (unavailable !== undefined) yield unavailable;
  } finally {
    channel.close();
  }
};

export interface ExecutePorts extends RunPorts {
  readonly handlers: readonly AnyStrategyHandler[];
  readonly lanes: Lanes;
  /** Checks right before a run that the task is still held, and if so counts an attempt. */
  claimAttempt(id: string): Promise<ClaimedAttempt | Unavailable>;
  /** Takes back that this attempt counts: nothing was sent. Absent where attempts are not counted beyond the call. */
  uncount?(id: string, attempt: number): Promise<void>;
  /** Waits after this attempt of a task; false when the process stops before the wait has ended. */
  pause(id: string, attempt: number): Promise<boolean>;
  /** Publishes how an attempt ended after which there is another; false when that failed. Never rejects. */
  publishAttempt(attempt: Append): Promise<boolean>;
  /** Why nothing can be added to a strategy's own stream; undefined when it can. */
  streamProblem(stream: StrategyStream): Promise<string | undefined>;
  /** Redis' clock, milliseconds since 1970. */
  now(): number;
  readonly attemptsMax: number;
  /** When it aborts, no further attempt is started. */
  readonly stopping: AbortSignal;
  /** The invocation the outcomes belong to; absent: the one that dispatched each task. */
  readonly invocation?: string;
}

/** What the check right before a run found. */
export type ClaimedAttempt =
  | { readonly status: "held"; readonly attempt: number; readonly context: ExecutionContext }
  /** Another consumer has reclaimed or finished the task. */
  | { readonly status: "lost" };

/** Order and concurrency of tasks. */
export interface Lanes {
  /** Runs `job` when everything that entered the lane before has left it; undefined when the process stops before that. */
  inOrder<T>(lane: string, id: string, job: () => Promise<T>): Promise<T | undefined>;
  /** Runs `job` as soon as the concurrency limits, of the strategy and of all together, allow one more. */
  withRoom<T>(strategyId: number, job: () => Promise<T>): Promise<T>;
}

const NOT_STARTED = "the process stopped or its time was up before the task was started";
const NOT_RETRIED = "the process stopped or its time was up before the task was tried again";
const NOT_FINISHED = "the process stopped or its time was up before the task had finished";

async function execute(entry: Entry, ports: ExecutePorts, channel: ResultChannel): Promise<void> {
  const parsed = parseTask(entry);
  if (!parsed.ok) {
    const own = ownTaskOf(entry, "strategy_input_stream");
    if (own !== undefined) return channel.push({ id: entry.id, status: "done", effects: reportEffects(own) });
    const { error } = parsed;
    return channel.push({ id: entry.id, status: "dead", reason: "invalid_task", error, level: "ERROR" });
  }
  const { task } = parsed;
  // The task keeps its slot in the lane until its result has been committed.
  const wasRun = await ports.lanes.inOrder(laneOf(task), task.id, async () => {
    await channel.push(await runToEnd(task, ports, channel));
    return true;
  });
  if (wasRun === undefined) await channel.push(leftPending(task, NOT_STARTED));
}

/** One attempt after the other, until one is the last. */
async function runToEnd(
  task: Task,
  ports: ExecutePorts,
  channel: ResultChannel,
): Promise<Result | Unavailable> {
  const history = new AttemptHistory({ earlierUnknown: ports.uncount !== undefined });
  for (;;) {
    const attempt = async () => attemptOnce(task, ports, { channel, history });
    const answer = await ports.lanes.withRoom(task.strategyId, attempt);
    if (answer.status !== "again") return answer;
    const { record } = answer;
    // At once, since the process may end before the next attempt does; if that fails, with the outcome.
    const [isGoingOn, isPublished] = await Promise.all([
      ports.pause(task.id, answer.attempt),
      ports.publishAttempt(record),
    ]);
    if (!isPublished) history.unpublished.push(record);
    if (!isGoingOn) return leftPending(task, NOT_RETRIED);
  }
}

type AttemptAnswer =
  | Result
  | Unavailable
  | { readonly status: "again"; readonly attempt: number; readonly record: Append };

async function attemptOnce(
  task: Task,
  ports: ExecutePorts,
  { channel, history }: { readonly channel: ResultChannel; readonly history: AttemptHistory },
): Promise<AttemptAnswer> {
  if (ports.stopping.aborted || channel.isClosed) return leftPending(task, NOT_STARTED);
  const claimed = await ports.claimAttempt(task.id);
  if (claimed.status === "unavailable") return claimed;
  if (claimed.status === "lost")
    return leftPending(task, "another consumer has reclaimed or finished the task");
  // The check may have taken long.
  if (ports.stopping.aborted || channel.isClosed) return leftPending(task, NOT_STARTED);
  const { attempt, context } = claimed;
  history.begun(attempt);
  const permission = permissionFor(task, context);
  if (!permission.run) {
    const { reason, detail } = permission;
    return doneResult(task, { status: "ignored", reason, detail, durationMs: null }, history, ports);
  }
  const { handlers } = ports;
  const { arrival, ...made } = await runHandler(task, permission.strategy, { attempt, handlers, ports });
  history.ended(arrival);
  if (made.status === "cut_off") {
    if (arrival === "waiting") await ports.uncount?.(task.id, attempt);
    return leftPending(task, NOT_FINISHED);
  }
  if (made.status !== "again") return doneResult(task, await appendable(made, ports), history, ports);
  if (attempt >= ports.attemptsMax) return exhaustedResult(task, made, history, ports);
  const sent = arrival === "unknown" ? { may_have_arrived: [attempt] } : {};
  const failed = { attempt, detail: { error: made.error, ...sent }, durationMs: made.durationMs };
  const { invocation = task.invocation } = ports;
  return { status: "again", attempt, record: attemptAppend(task, failed, { invocation, at: ports.now() }) };
}

/** The attempt, or a failed one when its entry cannot be added to the stream: that would block the whole commit. */
async function appendable(made: LastAttempt, ports: ExecutePorts): Promise<LastAttempt> {
  if (made.append === undefined) return made;
  const problem = await ports.streamProblem(made.append.stream);
  if (problem === undefined) return made;
  const { durationMs } = made;
  return { status: "failed", reason: "unusable_stream", detail: { error: problem }, durationMs };
}

function doneResult(
  task: Task,
  { append, ...made }: LastAttempt,
  history: AttemptHistory,
  ports: ExecutePorts,
): Result {
  const effects = attemptEffects(task, made, history, ports);
  const all = append === undefined ? effects : { ...effects, append: [append, ...effects.append] };
  return { id: task.id, status: "done", effects: all };
}

function exhaustedResult(
  task: Task,
  { error, durationMs }: Pick<Extract<Attempt, { status: "again" }>, "error" | "durationMs">,
  history: AttemptHistory,
  ports: ExecutePorts,
): Result {
  const reason = "attempts_exhausted";
  const also = attemptEffects(
    task,
    { status: "failed", reason, detail: { error }, durationMs },
    history,
    ports,
  );
  return { id: task.id, status: "dead", reason, error, deliveries: history.last, also };
}

function attemptEffects(
  task: Task,
  made: Omit<LastAttempt, "append">,
  history: AttemptHistory,
  ports: ExecutePorts,
): Branch {
  const { invocation = task.invocation } = ports;
  const outcome = { ...made, detail: { ...made.detail, ...history.detail() }, attempt: history.last };
  const effects = outcomeEffects(task, outcome, { invocation, at: ports.now() });
  if (history.unpublished.length === 0) return effects;
  return { ...effects, append: [...history.unpublished, ...effects.append] };
}

function leftPending(task: Task, error: string): Result {
  return { id: task.id, status: "retry", error, expected: true };
}

/** The outcome of a task that becomes a dead letter without a last attempt: it has ended its process too often, or was lost. */
export function unfinishedEffects(
  entry: Entry,
  { error, attempt, at, reason = "attempts_exhausted" }: Unfinished,
): Branch | undefined {
  const parsed = parseTask(entry);
  if (!parsed.ok) return undefined;
  const { task } = parsed;
  const outcome = { reason, detail: { error }, attempt, durationMs: null } as const;
  return outcomeEffects(task, { status: "failed", ...outcome }, { invocation: task.invocation, at });
}

interface Unfinished {
  readonly error: string;
  readonly attempt: number;
  readonly at: number;
  /** Default: attempts_exhausted. */
  readonly reason?: ExecutionReason | undefined;
}
