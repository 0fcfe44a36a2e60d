import type { Effects } from "./function.ts";
import type { GroupName, OrderedGroup, StreamName } from "./keys.ts";

/**
 * Performs effects and acknowledges entries, atomically per call. Items whose call was not answered are in no part and are to
 * be committed again, which is harmless: each has a fence. @throws EffectsError when an item is malformed · the connection's
 * error when no call was answered
 */
export type Commit = <Item extends CommitItem>(
  items: readonly Item[],
  options: CommitOptions,
) => Promise<readonly CommitPart<Item>[]>;

/** One entry with its effects. */
export interface CommitItem {
  readonly id: string;
  /** Id of the dead letter whose removal is the fence; only with the fence `dead_letter`. */
  readonly deadLetterId?: string;
  readonly effects: Effects;
}

/** What makes sure that an entry is committed at most once. */
export type Fence =
  /** Read from a group: XACK answers 1 once. */
  | { readonly kind: "group"; readonly stream: StreamName; readonly group: GroupName }
  /** Retry of a dead letter: XDEL of the dead letter answers 1 once. */
  | { readonly kind: "dead_letter" }
  /** Manual run: `done:<invocation>:<entry id>` can be set once. */
  | { readonly kind: "once"; readonly invocation: string };

/** The state that decisions were made on. */
export interface DecidedOn {
  /** Snapshot version. */
  readonly version: string;
  /** Control epoch. */
  readonly epoch: string;
  /** Redis' clock at the decision, milliseconds since 1970; absent: whenever it was made. */
  readonly at?: number;
}

/** The right of one runner to read a group, see runner/holding. */
export interface GroupHolding {
  readonly group: OrderedGroup;
  /** Random text, new for each holding. */
  readonly token: string;
}

export interface CommitOptions {
  readonly fence: Fence;
  /** Token of the holding under which the entries were read; with another holder nothing is written. Absent: not checked. */
  readonly holding?: GroupHolding;
  /** If the current state is another one, or the decision is not of the last 2 s, nothing is written. */
  readonly decidedOn?: DecidedOn;
  /** Function whose processing time (entry id → commit) is counted; absent: not measured. */
  readonly timing?: string;
  /**
   * What Redis does when it has reached maxmemory. `commit` is for what finishes work or frees memory; default `refuse`, for what
   * makes new work.
   */
  readonly whenFull?: "refuse" | "commit";
  /**
   * Called with the number of calls when they are ready, and resolves when they may be sent. Absent: they are sent at once,
   * in no sequence; so is the second round, for lost claims.
   */
  readonly turn?: (calls: number) => Promise<CommitTurn>;
}

/** The labels of the calls of one commit, in a sequence of commits. */
export interface CommitTurn {
  /** Redis key that holds the label of this sequence's last committed call. */
  readonly key: string;
  /** One for each call, in their order; each call is committed only directly after the one before. */
  readonly labels: readonly string[];
  /** Label of the call that the first one must directly follow; '' when nothing before it is uncommitted. */
  readonly follows: string;
  /** Called when all calls have been sent. */
  readonly onSent: () => void;
}

/**
 * What happened to an item: its effects (`applied`), its ifLost effects (`duplicate`), nothing because this very
 * entry holds the uid already (`held`), nothing because it was committed before (`fenced`).
 */
export type CommitOutcome = "applied" | "duplicate" | "held" | "fenced";

export type CommitAnswer =
  | { readonly status: "committed"; readonly outcomes: readonly CommitOutcome[] }
  | StaleAnswer
  /** The call it must follow is not committed yet; nothing was written. */
  | { readonly status: "early" }
  /** Another runner holds the group; nothing was written. */
  | { readonly status: "deposed" }
  /** A key has the wrong type or content; nothing was written. */
  | { readonly status: "blocked"; readonly key: string; readonly problem: string };

/** Nothing was written: the snapshot or the pauses have changed, or the time of the decision is wrong. */
export interface StaleAnswer {
  readonly status: "stale";
  /** The current snapshot version. */
  readonly version: string;
  /** The current control epoch. */
  readonly epoch: string;
  /** Set when the time is wrong: by how many ms the decision was ahead of Redis' clock; negative when it was behind. */
  readonly aheadMs?: number;
}

/** The answer to one call and its items, in the order of the calls; items whose claim was lost come last. */
export interface CommitPart<Item extends CommitItem = CommitItem> {
  readonly items: readonly Item[];
  readonly answer: CommitAnswer;
}

export interface CommitSettings {
  /** How long a uid is remembered, and a manual invocation's entries. */
  readonly dedupTtlMs: number;
}

/** Effects that can never be committed as they are: the function that made them has a defect. */
export class EffectsError extends Error {
  override readonly name = "EffectsError";
}
