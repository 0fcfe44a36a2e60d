import type { CommitItem, CommitOutcome, Fence } from "../../shared/commit.ts";
import { deadLetterEffects } from "../../shared/dead-letter.ts";
import type { Entry } from "../../shared/entry.ts";
import { messageOf } from "../../shared/error-message.ts";
import type { Effects, Result, Unavailable } from "../../shared/function.ts";
import type { Clock } from "../../shared/io/redis/clock.ts";
import type { EventLog } from "../telemetry/event-log.ts";
import { reportFenced, reportLeftPending } from "./batch-events.ts";
import type { Answer, Binding } from "./binding.ts";
import type { CommitSlot } from "./commit-order.ts";
import { commitResults, type CommitDeps } from "./commit-results.ts";
import { FunctionError, isPermanent, retryUntilStopped, UnavailableError } from "./retry-until-stopped.ts";

export interface ProcessDeps extends CommitDeps {
  readonly clock: Clock;
  readonly events: EventLog;
}

export interface ProcessOptions {
  /** Times the entries were delivered, for dead letters. */
  readonly deliveries: number;
  /** Called each time the function cannot work now, so that this delivery need not count as an attempt. */
  readonly onUnavailable?: () => Promise<void>;
  /** Told of each entry as soon as it is committed or left. */
  readonly onSettled?: (id: string) => void;
  /** Where the batch comes among others, so that tasks keep stream order; absent: it does not matter. */
  readonly slot?: CommitSlot;
  /** Others of the batch come behind these entries. */
  readonly isPart?: true;
  /** Default: the binding's group, which delivers again what is left pending. */
  readonly fence?: BatchFence;
}

/** What makes sure that the entries are committed once. A dead letter is worked on alone. */
export type BatchFence =
  | Exclude<Fence, { kind: "dead_letter" }>
  | { readonly kind: "dead_letter"; readonly deadLetterId: string };

type CommittedResult = Exclude<Result, { status: "retry" }>;

/** What became of an entry. */
export type ProcessedEntry =
  | {
      readonly id: string;
      readonly status: "committed";
      readonly outcome: CommitOutcome;
      readonly result: CommittedResult;
    }
  /** It is where it was. */
  | { readonly id: string; readonly status: "left"; readonly error: string };

interface ProcessedItem extends CommitItem {
  readonly result: CommittedResult;
}

interface Progress {
  readonly open: Map<string, Entry>;
  readonly processed: ProcessedEntry[];
}

/**
 * A batch may come to its turn too late twice, and a snapshot or a pause may change on the way; more than that needs a
 * breath, and a word.
 */
const OUTDATED_IN_A_ROW_MAX = 5;
const OUTDATED =
  "decisions were outdated again and again when they came to be committed: the reference changes all the time, or this machine's clock lags behind Redis'";

/**
 * Calls the function on the entries and commits its results, until each entry is committed or left where it is. What is
 * `unavailable` is tried again for as long as it takes; entries of a batch the function throws for are
 * tried one by one, and the guilty ones left.
 * @throws NotNow when something is away while the process is stopping
 */
export async function processBatch(
  binding: Binding,
  entries: readonly Entry[],
  deps: ProcessDeps,
  options: ProcessOptions,
): Promise<ProcessedEntry[]> {
  const open = new Map(entries.map((entry) => [entry.id, entry]));
  const processed: ProcessedEntry[] = [];
  try {
    await retryUntilStopped(deps, async () => {
      for (let inVain = 0; open.size > 0;) {
        const before = open.size;
        await processOnce(binding, { open, processed }, deps, options);
        inVain = open.size < before ? 0 : inVain + 1;
        if (inVain >= OUTDATED_IN_A_ROW_MAX) throw new UnavailableError(OUTDATED);
      }
    });
  } catch (error) {
    if (!isPermanent(error)) throw error;
    const [only, ...more] = open.values();
    if (only === undefined) return processed;
    if (more.length === 0) processed.push(leavePending(binding, only, error.message, deps, options));
    else {
      for (const entry of [only, ...more]) {
        processed.push(...(await processBatch(binding, [entry], deps, { ...options, isPart: true })));
      }
    }
  }
  return processed;
}

/** Calls the function once; what is committed or left is taken out of `open` and added to `worked`. */
async function processOnce(
  binding: Binding,
  progress: Progress,
  deps: ProcessDeps,
  options: ProcessOptions,
): Promise<void> {
  const { open, processed } = progress;
  for await (const answer of functionAnswers(binding, [...open.values()])) {
    if (answer.status === "unavailable") {
      await options.onUnavailable?.();
      throw new UnavailableError(`${answer.what} is not available (${answer.error})`);
    }
    const items = itemsOf(binding, answer, progress, deps, options);
    const { slot, fence = { kind: "group", stream: binding.stream, group: binding.group } } = options;
    const isLast = items.length === open.size && options.isPart !== true;
    const committing = { ...answer, items, fence, slot, isLast };
    const { parts, isOutdated } = await commitResults(binding, committing, untilCommitted(binding, deps));
    for (const part of parts) {
      if (isDelivered(options)) reportFenced(binding, part.outcomes, deps.events);
      for (const [i, outcome] of part.outcomes.entries()) {
        const item = part.items[i];
        if (item === undefined) continue;
        open.delete(item.id);
        options.onSettled?.(item.id);
        processed.push({ id: item.id, status: "committed", outcome, result: item.result });
      }
    }
    // What the function would answer next was decided on the same, and must not go before what is decided again.
    if (isOutdated) return;
  }
}

/** What has been done outside cannot be undone: that it was is committed as soon as that works, also while stopping. */
function untilCommitted(binding: Binding, deps: ProcessDeps): ProcessDeps {
  return binding.sideEffectMsMax === undefined ? deps : { ...deps, stopping: NEVER };
}

const NEVER = new AbortController().signal;

/** The function's answers, its own errors told apart from others. */
async function* functionAnswers(
  binding: Binding,
  entries: readonly Entry[],
): AsyncGenerator<Answer | Unavailable> {
  const answers = binding.run(entries)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await answers.next().catch((error: unknown) => {
        throw new FunctionError(messageOf(error), { cause: error });
      });
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await answers.return?.();
  }
}

/** True for entries of a group, which the router speaks of; whoever brings others is told. */
function isDelivered({ fence }: ProcessOptions): boolean {
  return fence === undefined || fence.kind === "group";
}

function itemsOf(
  binding: Binding,
  { results }: Answer,
  { open, processed }: Progress,
  deps: ProcessDeps,
  options: ProcessOptions,
): ProcessedItem[] {
  const items: ProcessedItem[] = [];
  for (const result of results) {
    const entry = open.get(result.id);
    if (entry === undefined) continue;
    if (result.status === "retry") {
      open.delete(entry.id);
      options.onSettled?.(entry.id);
      if (result.expected === true) processed.push({ id: entry.id, status: "left", error: result.error });
      else processed.push(leavePending(binding, entry, result.error, deps, options));
    } else {
      const effects = effectsOf(binding, entry, result, deps.clock.now(), options);
      const { fence } = options;
      const mark = fence?.kind === "dead_letter" ? { deadLetterId: fence.deadLetterId } : {};
      items.push({ id: entry.id, ...mark, effects, result });
    }
  }
  return items;
}

function effectsOf(
  { stream, functionName }: Binding,
  entry: Entry,
  result: CommittedResult,
  at: number,
  options: ProcessOptions,
): Effects {
  if (result.status === "done") return result.effects;
  const { deliveries = options.deliveries } = result;
  return deadLetterEffects(entry, result, { stream, functionName, deliveries, at });
}

/** Leaves the entry where it is. */
function leavePending(
  binding: Binding,
  { id }: Entry,
  error: string,
  { events }: ProcessDeps,
  options: ProcessOptions,
): ProcessedEntry {
  if (isDelivered(options)) reportLeftPending(binding, id, { error, deliveries: options.deliveries }, events);
  return { id, status: "left", error };
}
