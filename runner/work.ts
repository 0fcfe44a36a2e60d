import pRetry from "p-retry";
import { deadLetterEffects } from "../shared/dead-letter.ts";
import type { Entry } from "../shared/entry.ts";
import type { Effects, Result, Unavailable } from "../shared/function.ts";
import type { Commit, CommitItem, CommitOptions, CommitPart } from "../shared/io/commit.ts";
import type { Answer, Binding } from "./binding.ts";
import type { Clock } from "./clock.ts";
import type { EventLog } from "./event-log.ts";
import { messageOf, type Trouble } from "./trouble.ts";

export interface WorkDeps {
  readonly commit: Commit;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly trouble: Trouble;
  /** From then on nothing that is away is waited for. */
  readonly stopping: AbortSignal;
  /** Ends the work, leaving what is not committed pending. */
  readonly abort: AbortSignal;
}

export interface WorkOptions {
  /** Times the entries were delivered, for dead letters. */
  readonly deliveries: number;
  /** Nothing is committed before this resolves: the batch before, so that tasks keep stream order. */
  readonly after: Promise<unknown>;
}

/** Something is away or in the way; the entries are fine. */
class NotNow extends Error {
  override readonly name = "NotNow";
}

/** The function threw, so nothing is known of these entries. */
class FunctionThrew extends Error {
  override readonly name = "FunctionThrew";
}

/**
 * Calls the function on the entries and commits its results, until each entry is committed or left pending. What is
 * `unavailable` is tried again for as long as it takes; entries of a batch the function throws for are
 * tried one by one, and the guilty ones left pending.
 */
export async function work(
  binding: Binding,
  entries: readonly Entry[],
  deps: WorkDeps,
  options: WorkOptions,
): Promise<void> {
  const open = new Map(entries.map((entry) => [entry.id, entry]));
  try {
    await keepTrying(deps, async () => {
      while (open.size > 0) await pass(binding, open, deps, options);
    });
  } catch (error) {
    if (!(error instanceof FunctionThrew)) throw error;
    const [only, ...more] = open.values();
    if (only === undefined) return;
    if (more.length === 0) leavePending(binding, only, error.message, deps, options);
    else for (const entry of [only, ...more]) await work(binding, [entry], deps, options);
  }
}

/**
 * Tries again with growing pauses until it works, saying so. What gets through: a function's own error, and,
 * when the process is stopping, that something is away.
 */
async function keepTrying<T>({ abort, stopping, trouble }: WorkDeps, attempt: () => Promise<T>): Promise<T> {
  const result = await pRetry(attempt, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 50,
    maxTimeout: 2_000,
    randomize: true,
    signal: abort,
    shouldRetry: ({ error }) =>
      !(error instanceof FunctionThrew) && !(stopping.aborted && error instanceof NotNow),
    onFailedAttempt: ({ error }) => {
      if (!(error instanceof FunctionThrew)) trouble.failed(error);
    },
  });
  trouble.over();
  return result;
}

/** Calls the function once; what is committed or to be left pending is taken out of `open`. */
async function pass(
  binding: Binding,
  open: Map<string, Entry>,
  deps: WorkDeps,
  options: WorkOptions,
): Promise<void> {
  for await (const answer of answersOf(binding, [...open.values()])) {
    if (answer.status === "unavailable")
      throw new NotNow(`${answer.what} is not available (${answer.error})`);
    const items = itemsOf(binding, answer, open, deps, options);
    await options.after;
    for (const item of await commitItems(binding, answer, items, deps)) open.delete(item.id);
  }
}

/** The function's answers, its own errors told apart from others. */
async function* answersOf(binding: Binding, entries: readonly Entry[]): AsyncGenerator<Answer | Unavailable> {
  const answers = binding.run(entries)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await answers.next().catch((error: unknown) => {
        throw new FunctionThrew(messageOf(error), { cause: error });
      });
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await answers.return?.();
  }
}

/** Commits the items and gives those that are settled: all, unless what they were decided on is outdated. */
async function commitItems(
  binding: Binding,
  { decidedOn }: Answer,
  items: readonly CommitItem[],
  deps: WorkDeps,
): Promise<readonly CommitItem[]> {
  const options: CommitOptions = {
    fence: { kind: "group", stream: binding.stream, group: binding.group },
    timing: binding.functionName,
    ...(decidedOn === undefined ? {} : { decidedOn }),
  };
  // The results stay; only their commit is tried again, which the fence makes harmless.
  const parts = await keepTrying(deps, async () => unblocked(await deps.commit(items, options)));
  if (parts.some(({ answer }) => answer.status === "stale")) binding.forget();
  return parts.flatMap((part) => (part.answer.status === "committed" ? part.items : []));
}

function unblocked(parts: readonly CommitPart[]): readonly CommitPart[] {
  for (const { answer } of parts) {
    if (answer.status === "blocked") {
      throw new NotNow(
        `Redis key ${answer.key} ${answer.problem}; nothing is committed until that is put right`,
      );
    }
  }
  return parts;
}

function itemsOf(
  binding: Binding,
  { results }: Answer,
  open: Map<string, Entry>,
  deps: WorkDeps,
  options: WorkOptions,
): CommitItem[] {
  const items: CommitItem[] = [];
  for (const result of results) {
    const entry = open.get(result.id);
    if (entry === undefined) continue;
    if (result.status === "retry") {
      open.delete(entry.id);
      leavePending(binding, entry, result.error, deps, options);
    } else {
      items.push({ id: entry.id, effects: effectsOf(binding, entry, result, deps.clock.now(), options) });
    }
  }
  return items;
}

function effectsOf(
  { stream, functionName }: Binding,
  entry: Entry,
  result: Exclude<Result, { status: "retry" }>,
  at: number,
  { deliveries }: WorkOptions,
): Effects {
  if (result.status === "done") return result.effects;
  return deadLetterEffects(entry, result, { stream, functionName, deliveries, at });
}

function leavePending(
  { functionName, stream }: Binding,
  { id }: Entry,
  error: string,
  { events }: WorkDeps,
  { deliveries }: WorkOptions,
): void {
  events.publish({
    level: "ERROR",
    source: functionName,
    message: `entry ${id} of ${stream} failed: ${error}; it stays pending and is delivered again`,
    details: { stream, entry_id: id, deliveries, error },
  });
}
