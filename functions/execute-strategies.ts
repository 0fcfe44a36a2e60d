import { outcomeEffects, permissionFor, type ExecutionContext } from "../shared/decide/execution.ts";
import type { Entry } from "../shared/entry.ts";
import type { Branch, EffectfulFunction, Result, Unavailable } from "../shared/function.ts";
import type { StrategyStream } from "../shared/keys.ts";
import type { AnyStrategyHandler } from "../shared/strategy.ts";
import { laneOf, parseTask, type Task } from "../shared/task.ts";
import { runHandler, type Attempt, type LastAttempt, type RunPorts } from "./strategies/run-handler.ts";

/** What is so right before a task is run. */
export type ClaimedAttempt =
  | { readonly status: "held"; readonly attempt: number; readonly context: ExecutionContext }
  /** Somebody else has taken the task over, or finished it. */
  | { readonly status: "lost" };

/** Where tasks wait for their turn. */
export interface Lanes {
  /** Runs `job` when all that entered the lane before have left it; undefined when its turn does not come any more. */
  inOrder<T>(lane: string, id: string, job: () => Promise<T>): Promise<T | undefined>;
  /** Runs `job` as soon as the strategy, and all of them together, have room for one more. */
  withRoom<T>(strategyId: number, job: () => Promise<T>): Promise<T>;
}

export interface ExecutePorts extends RunPorts {
  readonly handlers: readonly AnyStrategyHandler[];
  readonly lanes: Lanes;
  /** Looks right before a run, and counts an attempt if the task is still held. */
  claimAttempt(id: string): Promise<ClaimedAttempt | Unavailable>;
  /** Waits after this attempt; false when the process stops before it is over. */
  pause(attempt: number): Promise<boolean>;
  /** Why nothing can be added to a strategy's own stream; undefined when it can. */
  streamProblem(stream: StrategyStream): Promise<string | undefined>;
  /** Redis' clock, milliseconds since 1970. */
  now(): number;
  readonly attemptsMax: number;
  /** When it aborts, no further attempt is begun. */
  readonly stopping: AbortSignal;
  /** The manual run these tasks belong to; absent: the one that dispatched each. */
  readonly invocation?: string;
}

/**
 * Runs the tasks in the entries of `strategy_input_stream`, in parallel but for those of one strategy and symbol, and answers
 * each as soon as it is known. Whether a task may still be run is looked at right before each attempt; none is begun any more
 * when nobody waits for the answers.
 */
export const executeStrategies: EffectfulFunction<ExecutePorts> = async function* (entries, ports) {
  const channel = openResultChannel(entries.length);
  for (const entry of entries) {
    void execute(entry, ports, channel).then(
      () => channel.taskEnded(),
      (error: unknown) => channel.failed(error),
    );
  }
  try {
    let unavailable: Unavailable | undefined;
    for (;;) {
      const pushed = channel.drain();
      const results: Result[] = [];
      for (const { answer } of pushed) {
        if (answer.status === "unavailable") unavailable = answer;
        else results.push(answer);
      }
      try {
        if (results.length > 0) yield results;
      } finally {
        // Also when nobody waits for more: others in the same lanes would wait for ever.
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

interface PushedAnswer {
  readonly answer: Result | Unavailable;
  /** Called when the answer has been committed, as far as it will be. */
  readonly settled: () => void;
}

/** The side of the desk where answers are handed in. */
interface ResultChannel {
  /** Nobody collects any more: what is done from here on would not be known to have been done. */
  readonly isClosed: boolean;
  /** Resolves when the answer has been committed: until then the task keeps its place in the lane. */
  push(answer: Result | Unavailable): Promise<void>;
}

/** Where answers are handed in and collected. */
function openResultChannel(tasks: number) {
  const failures: unknown[] = [];
  let waiting: PushedAnswer[] = [];
  let open = tasks;
  let closed = false;
  let wake = (): void => undefined;
  const taskEnded = (): void => {
    open -= 1;
    wake();
  };
  return {
    get isClosed() {
      return closed;
    },
    async push(answer: Result | Unavailable): Promise<void> {
      if (closed) return;
      await new Promise<void>((settled) => {
        waiting.push({ answer, settled });
        wake();
      });
    },
    drain(): readonly PushedAnswer[] {
      const pushed = waiting;
      waiting = [];
      return pushed;
    },
    /** Waits for the next answer; false when there are no more. */
    async more(): Promise<boolean> {
      if (waiting.length > 0) return true;
      if (open === 0) return false;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      return true;
    },
    taskEnded,
    failed(error: unknown): void {
      failures.push(error);
      taskEnded();
    },
    throwFailure(): void {
      if (failures.length > 0) throw failures[0];
    },
    close(): void {
      closed = true;
      for (const { settled } of waiting) settled();
    },
  };
}

const NOT_STARTED = "the time was up before it was begun";

async function execute(entry: Entry, ports: ExecutePorts, channel: ResultChannel): Promise<void> {
  const parsed = parseTask(entry);
  if (!parsed.ok) {
    const { error } = parsed;
    return channel.push({ id: entry.id, status: "dead", reason: "invalid_task", error, level: "ERROR" });
  }
  const { task } = parsed;
  const hadItsTurn = await ports.lanes.inOrder(laneOf(task), task.id, async () => {
    await channel.push(await untilOver(task, ports, channel));
    return true;
  });
  if (hadItsTurn === undefined) await channel.push(left(task, NOT_STARTED));
}

/** One attempt after the other, until one is the last. */
async function untilOver(
  task: Task,
  ports: ExecutePorts,
  channel: ResultChannel,
): Promise<Result | Unavailable> {
  for (;;) {
    const answer = await ports.lanes.withRoom(task.strategyId, async () => attemptOnce(task, ports, channel));
    if (answer.status !== "again") return answer;
    if (!(await ports.pause(answer.attempt))) return left(task, "the time was up before it was tried again");
  }
}

type AttemptAnswer = Result | Unavailable | { readonly status: "again"; readonly attempt: number };

async function attemptOnce(task: Task, ports: ExecutePorts, channel: ResultChannel): Promise<AttemptAnswer> {
  if (ports.stopping.aborted || channel.isClosed) return left(task, NOT_STARTED);
  const claimAttempt = await ports.claimAttempt(task.id);
  if (claimAttempt.status === "unavailable") return claimAttempt;
  if (claimAttempt.status === "lost") return left(task, "somebody else has taken it over");
  // The look may have taken long.
  if (ports.stopping.aborted || channel.isClosed) return left(task, NOT_STARTED);
  const { attempt, context } = claimAttempt;
  const permission = permissionFor(task, context);
  if (!permission.run) {
    const { reason, detail } = permission;
    return over(task, { status: "ignored", reason, detail, durationMs: null }, attempt, ports);
  }
  const { handlers } = ports;
  const made = await runHandler(task, permission.strategy, { attempt, handlers, ports });
  if (made.status === "cut_off") return left(task, "the time was up before it was over");
  if (made.status !== "again") return over(task, await checked(made, ports), attempt, ports);
  return attempt < ports.attemptsMax ? { status: "again", attempt } : exhausted(task, made, attempt, ports);
}

/** An entry for a stream that cannot take it would stand in the way of everything committed with it. */
async function checked(made: LastAttempt, ports: ExecutePorts): Promise<LastAttempt> {
  if (made.append === undefined) return made;
  const problem = await ports.streamProblem(made.append.stream);
  if (problem === undefined) return made;
  const { durationMs } = made;
  return { status: "failed", reason: "unusable_stream", detail: { error: problem }, durationMs };
}

function over(task: Task, { append, ...made }: LastAttempt, attempt: number, ports: ExecutePorts): Result {
  const effects = effectsOf(task, made, attempt, ports);
  const all = append === undefined ? effects : { ...effects, append: [append, ...effects.append] };
  return { id: task.id, status: "done", effects: all };
}

function exhausted(
  task: Task,
  { error, durationMs }: Extract<Attempt, { status: "again" }>,
  attempt: number,
  ports: ExecutePorts,
): Result {
  const reason = "attempts_exhausted";
  const also = effectsOf(task, { status: "failed", reason, detail: { error }, durationMs }, attempt, ports);
  return { id: task.id, status: "dead", reason, error, deliveries: attempt, also };
}

function effectsOf(
  task: Task,
  made: Omit<LastAttempt, "append">,
  attempt: number,
  ports: ExecutePorts,
): Branch {
  const { invocation = task.invocation } = ports;
  return outcomeEffects(task, { ...made, attempt }, { invocation, at: ports.now() });
}

function left(task: Task, error: string): Result {
  return { id: task.id, status: "retry", error, expected: true };
}

/** What else happens when a task is given up on before it has come to an end: it has ended its process too often. */
export function exhaustedEffects(
  entry: Entry,
  { error, attempt, at }: { readonly error: string; readonly attempt: number; readonly at: number },
): Branch | undefined {
  const parsed = parseTask(entry);
  if (!parsed.ok) return undefined;
  const { task } = parsed;
  const outcome = { reason: "attempts_exhausted", detail: { error }, attempt, durationMs: null } as const;
  return outcomeEffects(task, { status: "failed", ...outcome }, { invocation: task.invocation, at });
}
