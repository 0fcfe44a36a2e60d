import type { Effects } from "./function.ts";
import type { StreamName, GroupName } from "./keys.ts";

/** What makes sure that an entry is committed at most once. */
export type Fence =
  /** Read from a group: XACK answers 1 once. */
  | { readonly kind: "group"; readonly stream: StreamName; readonly group: GroupName }
  /** Retry of a dead letter: XDEL of the dead letter answers 1 once. */
  | { readonly kind: "dead_letter" }
  /** Manual run: `done:<invocation>:<entry id>` can be set once. */
  | { readonly kind: "once"; readonly invocation: string };

/** One entry with what is to happen for it. */
export interface CommitItem {
  readonly id: string;
  /** Id of the dead letter whose removal is the fence; only with the fence `dead_letter`. */
  readonly deadLetterId?: string;
  readonly effects: Effects;
}

/** What decisions were made on. */
export interface DecidedOn {
  /** Snapshot version. */
  readonly version: string;
  /** Control epoch. */
  readonly epoch: string;
  /** Redis' clock at the decision, milliseconds since 1970; absent: the decision holds for ever. */
  readonly at?: number;
}

export interface CommitOptions {
  readonly fence: Fence;
  /** Snapshot version and control epoch the items were decided on; if they changed, or that was too long ago, nothing is touched. */
  readonly decidedOn?: DecidedOn;
  /** Function whose processing time (entry id → commit) is counted; absent: not measured. */
  readonly timing?: string;
  /**
   * Resolves when the calls, made up by then, may be sent, and says behind which other they belong; absent: at once and behind
   * none. What is committed again because its claim was lost belongs behind none.
   */
  readonly turn?: (calls: number) => Promise<CommitTurn>;
}

/** The labels of the calls of one commit in a sequence of commits. */
export interface CommitTurn {
  /** Redis key that holds the label of the call of this sequence that went through last. */
  readonly key: string;
  /** One for each call, in their order; each goes through only right behind the one before. */
  readonly labels: readonly string[];
  /** The call that must have gone through right before the first one; '' when that is sure. */
  readonly follows: string;
  /** Called when all of them are on their way. */
  readonly onSent: () => void;
}

/**
 * What happened to an item: its effects (`applied`), its ifLost effects (`duplicate`), nothing because this very
 * entry holds the uid already (`held`), nothing because it was committed before (`fenced`).
 */
export type CommitOutcome = "applied" | "duplicate" | "held" | "fenced";

export type CommitAnswer =
  | { readonly status: "committed"; readonly outcomes: readonly CommitOutcome[] }
  /** The snapshot or the control epoch is another one by now, or the decision was made too long ago. */
  | { readonly status: "stale"; readonly version: string; readonly epoch: string }
  /** The call that had to go through before has not; nothing was touched. */
  | { readonly status: "early" }
  /** A key is not what it has to be; nothing was touched. */
  | { readonly status: "blocked"; readonly key: string; readonly problem: string };

/** The answers to one commit, call by call, each with the items it speaks of; those whose claim was lost come last. */
export interface CommitPart<Item extends CommitItem = CommitItem> {
  readonly items: readonly Item[];
  readonly answer: CommitAnswer;
}

export interface CommitSettings {
  /** How long a uid is remembered, and a manual invocation's entries. */
  readonly dedupTtlMs: number;
}

/**
 * Performs effects and acknowledges entries, atomically per call. Items whose call was not answered are in no part, and are
 * to be committed again; when none was answered it rejects.
 */
export type Commit = <Item extends CommitItem>(
  items: readonly Item[],
  options: CommitOptions,
) => Promise<readonly CommitPart<Item>[]>;
