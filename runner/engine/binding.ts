import type { DecidedOn } from "../../shared/commit.ts";
import type { Entry } from "../../shared/entry.ts";
import type { FunctionName } from "../../shared/function-names.ts";
import type { Branch, Result, Unavailable } from "../../shared/function.ts";
import type { GroupName, StreamName } from "../../shared/keys.ts";
import type { ExecutionReason } from "../../shared/reasons.ts";

/** A function together with the group it reads and everything it needs: what a poll loop or a route calls. */
export interface Binding {
  readonly functionName: FunctionName;
  readonly stream: StreamName;
  readonly group: GroupName;
  /** Answers for the entries, all of them unless the last answer is `unavailable`. */
  run(entries: readonly Entry[]): AsyncIterable<Answer | Unavailable>;
  /** Called with each result that a commit has carried out. */
  readonly onCommitted?: (result: Result) => void;
  /** Called when what the answers were decided on is outdated. */
  invalidate(): void;
  /** Set where entries are processed at the same time and keep their order by themselves; absent: in ordered batches. */
  readonly concurrent?: ConcurrentWork;
  /** Longest time for the side effect of one entry, in ms; set where there is one: the fence of the commit comes after it. */
  readonly sideEffectMsMax?: number;
  /** Ordered batches in flight at a time; default 2. */
  readonly inFlightMax?: number;
  /** Set where commits make new tasks, or pass on what another system keeps: while Redis has reached maxmemory it refuses them, and nothing is read or reclaimed. */
  readonly dispatches?: true;
  /** Set when an entry that is given up on is acknowledged without a dead letter. */
  readonly bestEffort?: true;
  /** The same for entries that this consumer of the group holds, where that makes a difference. */
  asConsumer?(consumer: string, context: ConsumerContext): Binding;
}

/** Results that may be committed, with what they were decided on. */
export interface Answer {
  readonly status: "answered";
  readonly results: readonly Result[];
  readonly decidedOn?: DecidedOn;
}

export interface TimeLimits {
  /** When it aborts, nothing more is started. */
  readonly stopping: AbortSignal;
  /** When it aborts, what is in flight ends. */
  readonly abort: AbortSignal;
}

/** What a consumer of a group may do, and until when. */
export interface ConsumerContext extends TimeLimits {
  /** Of the holding under which it may begin tasks now; undefined: another runner holds the group. */
  readonly token: () => string | undefined;
  /** To be called when a task was begun. */
  readonly onBegun: () => void;
}

/** How tasks that another consumer has or left pending keep their place in their lane among new ones. */
export interface ConcurrentWork {
  /** Whether a task has been begun and has not ended. */
  isUnderWay(): boolean;
  /** Whether this task was begun and has not ended. */
  isBegun(id: string): boolean;
  /** Ids of entries with a reserved place in a lane. */
  readonly reserved: ReadonlySet<string>;
  /** Reserves the next place in the entry's lane; called before anything newer is read, oldest first. */
  reserve(entry: Entry): void;
  /** Frees the place, since another consumer has finished the entry. */
  release(id: string): void;
  /** Whether another entry has a reserved place before it in the same lane. */
  isBehindReserved(id: string): boolean;
  /** What else happens when an entry is given up on that was not finished; default reason: attempts_exhausted. */
  unfinishedEffects(
    entry: Entry,
    why: { readonly error: string; readonly deliveries: number; readonly reason?: ExecutionReason },
  ): Branch | undefined;
}

export interface TaskRetryOptions {
  readonly id: string;
  /** Milliseconds since 1970 from which the age of the tasks counts; absent: as before. */
  readonly retriedAt?: number | undefined;
}

export interface BindingOptions {
  /** `live`, or the id of a run on demand. */
  readonly invocation?: string;
  /** The retry that runs tasks: what they come to is recorded under their own invocation, as a further run. */
  readonly retry?: TaskRetryOptions;
  /** See {@link SignalContext}. */
  readonly forcedAt?: number;
  /** See {@link DecisionContext}. */
  readonly chosen?: ReadonlySet<number>;
  /** See {@link SignalContext}. */
  readonly loggedUids?: ReadonlyMap<string, string>;
  /** When it aborts, no task is started any more; absent: never. */
  readonly stopping?: AbortSignal;
  /** What running a task now counts as; default 1, the first attempt. */
  readonly attempt?: number;
  /** While everything is paused: decide so, or leave the entries alone, since that decision is final. */
  readonly whilePaused?: "decide" | "wait";
}
