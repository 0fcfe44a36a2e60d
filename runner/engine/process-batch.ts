import { withManyListeners } from "../../shared/abort.ts";
import type { CommitItem, CommitOutcome, Fence, GroupHolding } from "../../shared/commit.ts";
import { deadLetterEffects } from "../../shared/dead-letter.ts";
import type { Entry } from "../../shared/entry.ts";
import { messageOf, toError } from "../../shared/error-message.ts";
import type { Effects, Result, Unavailable } from "../../shared/function.ts";
import type { Clock } from "../../shared/io/redis/clock.ts";
import type { EventLog } from "../telemetry/event-log.ts";
import { reportFenced, reportLeftPending } from "./batch-events.ts";
import type { Answer, Binding } from "./binding.ts";
import type { CommitSlot } from "./commit-order.ts";
import { commitResults, type CommitDeps } from "./commit-results.ts";
import { FunctionError, isPermanent, retryUntilStopped, UnavailableError } from "./retry-until-stopped.ts";

/** The engine: calls a function on entries and commits its results, until each entry is committed or left pending. */

export interface ProcessDeps extends CommitDeps {
  readonly clock: Clock;
  readonly events: EventLog;
}

export interface ProcessOptions {
  /** Times the entries were delivered, for dead letters. */
  readonly deliveries: number;
  /** Called each time the function is unavailable, so that this delivery need not count as an attempt. */
  readonly onUnavailable?: () => Promise<void>;
  /** Called with each entry as soon as it is committed or left pending. */
  readonly onSettled?: (entry: Entry, processed: ProcessedEntry) => void;
  /** The place of the batch in the commit order, so that tasks keep stream order; absent: the order does not matter. */
  readonly slot?: CommitSlot | undefined;
  /** The holding under which the entries were read, where their commit needs one. */
  readonly holding?: GroupHolding | undefined;
  /** More entries of the batch follow these. */
  readonly isPart?: true;
  /** Default: the binding's group, which delivers again what is left pending. */
  readonly fence?: BatchFence;
}

/** What makes sure that the entries are committed once. A dead letter is processed alone. */
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
  /** It stays pending, or where the request has it from. */
  | { readonly id: string; readonly status: "left"; readonly error: string; readonly uncounted?: true };

/** What has been done with a batch, whether or not something stopped it. */
export interface BatchOutcome {
  readonly processed: readonly ProcessedEntry[];
  /** Why the others are not settled: something is unavailable while stopping, another runner holds the group, or the abort. */
  readonly stoppedBy?: Error;
}

interface ProcessedItem extends CommitItem {
  readonly result: CommittedResult;
}

/** One batch on its way: what every step below works with. */
interface Batch {
  readonly binding: Binding;
  readonly deps: ProcessDeps;
  readonly options: ProcessOptions;
  readonly open: Map<string, Entry>;
  readonly processed: ProcessedEntry[];
}

/** A batch may miss its turn twice, and a snapshot or a pause may change meanwhile; more commits in a row are reported. */
const OUTDATED_IN_A_ROW_MAX = 5;

const NEVER = withManyListeners(new AbortController().signal);

/**
 * Processes the entries. A function that is unavailable is called again for as long as it takes, unless the process is
 * stopping; entries of a batch it throws for are processed one by one, and the guilty ones left pending. Never rejects.
 */
export async function processBatch(
  binding: Binding,
  entries: readonly Entry[],
  deps: ProcessDeps,
  options: ProcessOptions,
): Promise<BatchOutcome> {
  const open = new Map(entries.map((entry) => [entry.id, entry]));
  const batch: Batch = { binding, deps, options, open, processed: [] };
  const stoppedBy = await processOpen(batch);
  return { processed: batch.processed, ...(stoppedBy === undefined ? {} : { stoppedBy }) };
}

async function processOpen(batch: Batch): Promise<Error | undefined> {
  const { open, deps } = batch;
  try {
    await retryUntilStopped(deps, async () => {
      for (let outdated = 0; open.size > 0;) {
        const before = open.size;
        const aheadMs = await processOnce(batch);
        // With the time it has now, what is decided again would be refused again.
        if (aheadMs !== undefined) await deps.clock.sample();
        outdated = open.size < before ? 0 : outdated + 1;
        if (outdated >= OUTDATED_IN_A_ROW_MAX) throw new UnavailableError(outdatedMessage(aheadMs));
      }
    });
    return undefined;
  } catch (error) {
    return isPermanent(error) ? processAlone(batch, error) : toError(error);
  }
}

/** One by one, since the function throws for one of them, or its effects cannot be committed. */
async function processAlone(batch: Batch, error: Error): Promise<Error | undefined> {
  const { binding, deps, options } = batch;
  const entries = [...batch.open.values()];
  const [only] = entries;
  if (only !== undefined && entries.length === 1) {
    settle(batch, leavePending(batch, only, error.message));
    return undefined;
  }
  for (const entry of entries) {
    const alone = await processBatch(binding, [entry], deps, { ...options, isPart: true });
    batch.processed.push(...alone.processed);
    if (alone.stoppedBy !== undefined) return alone.stoppedBy;
  }
  return undefined;
}

function outdatedMessage(aheadMs: number | undefined): string {
  const again = "decisions were outdated again and again when they came to be committed";
  if (aheadMs === undefined) return `${again}: the reference or the pauses change all the time`;
  const off = `${Math.abs(aheadMs)} ms ${aheadMs > 0 ? "ahead of" : "behind"} Redis' clock`;
  return `${again}: the last ones were made ${off}; see whether that clock is being set, and how busy Redis and this machine are`;
}

/**
 * Calls the function once; what is committed or left pending is taken out of `open`. Gives by how much the decisions were ahead of
 * Redis' clock, when that is why they were refused.
 */
async function processOnce(batch: Batch): Promise<number | undefined> {
  const { binding, deps, options, open } = batch;
  for await (const answer of functionAnswers(binding, [...open.values()])) {
    if (answer.status === "unavailable") {
      await options.onUnavailable?.();
      throw UnavailableError.from(answer);
    }
    const items = itemsOf(answer, batch);
    const { stream, group } = binding;
    const { slot, holding, fence = { kind: "group", stream, group } } = options;
    const isLast = items.length === open.size && options.isPart !== true;
    const onCommitted = (some: readonly ProcessedItem[], outcomes: readonly CommitOutcome[]): void => {
      if (isDelivered(options)) reportFenced(binding, outcomes, deps.events);
      for (const [i, outcome] of outcomes.entries()) {
        const item = some[i];
        if (item === undefined) continue;
        const { id, result } = item;
        settle(batch, { id, status: "committed", outcome, result });
        if (outcome === "applied") binding.onCommitted?.(result);
      }
    };
    const committing = { ...answer, items, fence, slot, holding, isLast, onCommitted };
    // The function's next answers were decided on the same, and must not go before what is decided again.
    const committed = await commitResults(binding, committing, untilCommitted(binding, deps));
    if (committed.status === "outdated") return committed.aheadMs;
  }
  return undefined;
}

function settle({ open, processed, options }: Batch, settled: ProcessedEntry): void {
  const entry = open.get(settled.id);
  open.delete(settled.id);
  processed.push(settled);
  if (entry !== undefined) options.onSettled?.(entry, settled);
}

/** A side effect cannot be undone: that it happened is committed as soon as that works, also while stopping. */
function untilCommitted(binding: Binding, deps: ProcessDeps): ProcessDeps {
  return binding.sideEffectMsMax === undefined ? deps : { ...deps, stopping: NEVER };
}

/** The function's answers, with its own errors told apart from others. */
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

/** True for entries of a group, whose events the router publishes; for others the caller is given the answer. */
function isDelivered({ fence }: ProcessOptions): boolean {
  return fence === undefined || fence.kind === "group";
}

function itemsOf({ results }: Answer, batch: Batch): ProcessedItem[] {
  const { open, options } = batch;
  const { fence } = options;
  const letter = fence?.kind === "dead_letter" ? { deadLetterId: fence.deadLetterId } : {};
  const items: ProcessedItem[] = [];
  for (const result of results) {
    const entry = open.get(result.id);
    if (entry === undefined) continue;
    if (result.status === "retry") {
      const { id, error, expected, uncounted } = result;
      const left =
        expected === true ? { id, status: "left" as const, error } : leavePending(batch, entry, error);
      settle(batch, uncounted === true ? { ...left, uncounted } : left);
    } else {
      items.push({
        id: entry.id,
        ...letter,
        effects: effectsOf(entry, result, batch),
        result,
      });
    }
  }
  return items;
}

function effectsOf(
  entry: Entry,
  result: CommittedResult,
  { binding: { stream, functionName }, options, deps }: Batch,
): Effects {
  if (result.status === "done") return result.effects;
  const { deliveries = options.deliveries } = result;
  return deadLetterEffects(entry, result, { stream, functionName, deliveries, at: deps.clock.now() });
}

function leavePending({ binding, deps, options }: Batch, { id }: Entry, error: string) {
  if (isDelivered(options))
    reportLeftPending(binding, id, { error, deliveries: options.deliveries }, deps.events);
  return { id, status: "left", error } as const;
}
