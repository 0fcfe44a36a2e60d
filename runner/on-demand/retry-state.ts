import type { LoggedTask } from "../../shared/executions/logged-task.ts";
import { retryVerdict, type Refusal, type TaskState } from "../../shared/executions/retry-verdict.ts";
import { readEntryExecutions, type EntryExecutions } from "../../shared/io/log/executions-of-entry.ts";
import { deadLettersOf, type TracedDeadLetter } from "../../shared/io/streams/entry-traces.ts";
import { groupProgressOn } from "../../shared/io/streams/group-progress.ts";
import { pendingTask } from "../../shared/io/streams/pending-task.ts";
import { lastEntryId } from "../../shared/io/streams/read-entries.ts";
import { strategyLabel } from "../../shared/strategy-label.ts";
import { FOR_EVER, retry } from "../engine/retry.ts";
import { timeLimit } from "../engine/time-limit.ts";
import type { Services } from "../setup/services.ts";

/** Reads what became of the tasks of an entry: in Redis what lies as a dead letter, in the log everything else. */
export async function executionsOf(entryId: string, services: StateDeps): Promise<EntryState> {
  const letters = await deadLettersOf(services.redis, services.keys, [entryId]);
  return stateOf(entryId, letters.found, services);
}

type StateDeps = Pick<Services, "redis" | "keys" | "database">;

export interface EntryState extends Pick<EntryExecutions, "undispatched" | "decided" | "truncated"> {
  readonly tasks: readonly TaskState[];
}

async function stateOf(
  entryId: string,
  letters: readonly TracedDeadLetter[],
  { database, keys }: StateDeps,
  task?: TaskKey,
): Promise<EntryState> {
  const { tasks, ...rest } = await readEntryExecutions(database, keys.shard, entryId, task);
  return { ...rest, tasks: tasks.map((one) => withLetters(one, letters)) };
}

function withLetters(task: LoggedTask, letters: readonly TracedDeadLetter[]): TaskState {
  const own = letters.filter(({ signalEntryId }) => signalEntryId === task.entryId);
  const idsOf = (isMeant: (letter: TracedDeadLetter["letter"]) => boolean): string[] =>
    own.filter(({ letter }) => isMeant(letter)).map(({ letter }) => letter.id);
  return {
    ...task,
    deadLetters: idsOf(
      ({ stream, entry: { fields } }) =>
        stream === "strategy_input_stream" &&
        (fields["invocation"] ?? "live") === task.invocation &&
        fields["strategy_id"] === String(task.strategyId),
    ),
    recordLetters: idsOf(
      ({ stream, entry: { fields } }) =>
        stream === "signal_results" &&
        fields["kind"] === "outcome" &&
        fields["invocation"] === task.invocation &&
        strategyIn(fields["data"]) === task.strategyId,
    ),
  };
}

function strategyIn(data: string | undefined): number | undefined {
  const [, id] = /"strategy_id":(\d+)/.exec(data ?? "") ?? [];
  return id === undefined ? undefined : Number(id);
}

/** Which task is to be run again. */
export interface TaskKey {
  readonly entryId: string;
  readonly strategyId: number;
  readonly invocation: string;
}

/** The task as the log has it now. @throws RetryRefused when there is no such task */
export async function loggedTask(key: TaskKey, services: StateDeps): Promise<TaskState> {
  return taskWith([], key, services);
}

/**
 * The task, as of a moment at which no consumer has it, and the log has the outcome of each run that has ended. `known`: the task
 * as it was in the log before.
 * @throws RetryRefused when there is no such task, the log is behind, or it is in flight
 */
export async function settledTask(
  key: TaskKey,
  services: Services,
  known: Pick<TaskState, "runs" | "strategyId" | "strategy">,
): Promise<TaskState> {
  const { redis, keys } = services;
  let { runs } = known;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    // In the direction in which a run moves: it is pending, then a dead letter, then a record in `signal_results`, then in the log.
    const pending = await pendingTask(redis, keys, key);
    const letters = await deadLettersOf(redis, keys, [key.entryId], { all: true });
    await waitForLog(services);
    const task = await taskWith(letters.found, key, services);
    const { how } = retryVerdict(task);
    if (how === "refused") return task;
    if (pending !== undefined) throw inFlight(task, `task ${pending} is pending`);
    // One that has ended since the log was read before may have left its dead letter after those were read.
    if (how === "dead_letter" || task.runs.length === runs.length) return task;
    ({ runs } = task);
  }
  throw inFlight(known, "runs of it end all the time");
}

const ROUNDS_MAX = 5;

function inFlight({ strategyId, strategy }: Pick<TaskState, "strategyId" | "strategy">, what: string) {
  const why = `${strategyLabel(strategyId, strategy)} has not ended it: ${what}`;
  return new RetryRefused({
    code: "not_ended",
    why,
    hint: "ask again when it has ended: cli tasks shows it",
  });
}

async function taskWith(
  letters: readonly TracedDeadLetter[],
  key: TaskKey,
  services: StateDeps,
): Promise<TaskState> {
  // Everything about it, however much the log has about its entry.
  const state = await stateOf(key.entryId, letters, services, key);
  if (state.tasks.length > 0) return taskIn(state, key);
  return taskIn(await stateOf(key.entryId, letters, services), key);
}

/** The task among those of its entry. @throws RetryRefused when it was not dispatched */
function taskIn({ tasks, undispatched, decided }: EntryState, key: TaskKey): TaskState {
  const { entryId, strategyId, invocation } = key;
  const isMeant = (one: Omit<TaskKey, "entryId">): boolean =>
    one.strategyId === strategyId && one.invocation === invocation;
  const task = tasks.find(isMeant);
  if (task !== undefined) return task;
  if (!decided) {
    const why = `the log has no decision on entry ${entryId}`;
    throw new RetryRefused({ code: "not_dispatched", why, hint: "GET /entries/{id} says where it is" });
  }
  const ignored = undispatched.find(isMeant);
  const others = tasks.filter((one) => one.strategyId === strategyId).map((one) => one.invocation);
  const label = strategyLabel(
    strategyId,
    ignored?.strategy ?? tasks.find((one) => one.strategyId === strategyId)?.strategy,
  );
  if (ignored === undefined && others.length > 0) {
    const why = `${label} got no task for entry ${entryId} in invocation ${invocation}`;
    throw new RetryRefused({ code: "not_dispatched", why, hint: `it got one in ${others.join(", ")}` });
  }
  const reason = ignored === undefined ? "" : `: ${ignored.status} (${ignored.reason ?? "without a reason"})`;
  throw new RetryRefused({
    code: "not_dispatched",
    why: `${label} got no task for entry ${entryId}${reason}`,
    hint: "a replay decides the signal again",
  });
}

/** A task that may not be run again. */
export class RetryRefused extends Error {
  override readonly name = "RetryRefused";
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.why);
    this.refusal = refusal;
  }
}

/** What may be done with the task. @throws RetryRefused */
export function allowedRetry(task: TaskState) {
  const verdict = retryVerdict(task);
  if (verdict.how === "refused") throw new RetryRefused(verdict);
  return verdict;
}

export const LOG_MS_MAX = 5_000;

/** Waits until the log has each outcome that is in `signal_results` now. @throws RetryRefused after {@link LOG_MS_MAX} */
async function waitForLog({ redis, keys, stopping }: Services): Promise<void> {
  const key = keys.stream("signal_results");
  const last = await lastEntryId(redis, key);
  if (last === undefined) return;
  const group = groupProgressOn(redis, key, keys.group("log_writer"));
  const behind = new RetryRefused({
    code: "log_behind",
    why: `the log is behind: log_writer has not stored all of signal_results up to ${last}, so an outcome may be missing`,
    hint: "ask again when persist-log has caught up; check that it is running and can reach Postgres",
  });
  const time = timeLimit(LOG_MS_MAX, stopping);
  try {
    await retry(
      async () => {
        // What is recorded by uid alone may wait for an hour, and is no outcome of a run here.
        const isDone = await group.hasDone(last, { mayWait: ({ log_uid }) => log_uid !== undefined });
        if (!isDone) throw behind;
      },
      {
        ...FOR_EVER,
        minTimeout: 20,
        maxTimeout: 250,
        signal: time,
        shouldRetry: ({ error }) => error === behind,
      },
    );
  } catch (error) {
    throw time.aborted ? behind : error;
  }
}
