import type { DecidedOn } from "../../shared/commit.ts";
import type { Entry } from "../../shared/entry.ts";
import type { FunctionName } from "../../shared/function-names.ts";
import { type Branch, type Result, type Unavailable } from "../../shared/function.ts";
import type { GroupName, StreamName } from "../../shared/keys.ts";

/** Results that may be committed, with what they were decided on. */
export interface Answer {
  readonly status: "answered";
  readonly results: readonly Result[];
  readonly decidedOn?: DecidedOn;
}

/** A function together with the group it reads and everything it needs: what a poll loop or a route calls. */
export interface Binding {
  readonly functionName: FunctionName;
  readonly stream: StreamName;
  readonly group: GroupName;
  /** Answers for the entries, all of them unless the last answer is `unavailable`. */
  run(entries: readonly Entry[]): AsyncIterable<Answer | Unavailable>;
  /** Called when what the answers were decided on is outdated. */
  invalidate(): void;
  /**
   * Set for work that takes its time: batches overlap as far as the hand holds, what others left behind is taken over
   * meanwhile, and the order is the binding's own affair.
   */
  readonly concurrent?: ConcurrentWork;
  /**
   * Set for a function that does something outside, for which the fence of a commit comes too late: how long it may take for
   * one entry, in ms.
   */
  readonly sideEffectMsMax?: number;
  /** Batches that do not overlap and are worked on at a time, keeping their order; default 2. */
  readonly inFlightMax?: number;
  /** Set when nobody misses an entry: one that is given up on is acknowledged, without a dead letter. */
  readonly bestEffort?: true;
  /** The same for entries that this consumer of the group holds, where that makes a difference. */
  asConsumer?(consumer: string, times: TimeLimits): Binding;
}

export interface TimeLimits {
  /** When it aborts, nothing more is begun. */
  readonly stopping: AbortSignal;
  /** When it aborts, what is under way ends. */
  readonly abort: AbortSignal;
}

/** How entries left behind by others are told apart, and keep their place among new ones. */
export interface ConcurrentWork {
  /** Called with each delivery, before anything of it is worked on. */
  markDelivered(ids: readonly string[]): Promise<void>;
  /** Takes over those of these that nobody has begun to work on and whose holder has been silent for `idleMs`. */
  claimUnstarted(ids: readonly string[], idleMs: number): Promise<Entry[]>;
  /** Ids of entries a place is kept for. */
  readonly reserved: ReadonlySet<string>;
  /** Called before anything new is read, oldest first. */
  reserve(entry: Entry): void;
  /** Called when somebody else has finished it. */
  release(id: string): void;
  /** Whether a place is kept for it behind another that is kept: it would wait for that one. */
  isBehindReserved(id: string): boolean;
  /** What else happens when an entry is given up on that has ended its process again and again. */
  deadLetterEffects(
    entry: Entry,
    why: { readonly error: string; readonly deliveries: number },
  ): Branch | undefined;
}

export interface BindingOptions {
  /** `live`, or the id of a manual run. */
  readonly invocation?: string;
  /** See {@link SignalContext}. */
  readonly forcedAt?: number;
  /** When it aborts, no task is begun any more; absent: never. */
  readonly stopping?: AbortSignal;
  /** What running a task now counts as; default 1, the first attempt. */
  readonly attempt?: number;
  /** While everything is paused: decide so, or leave the entries alone, since that decision is for good. */
  readonly whilePaused?: "decide" | "wait";
}
