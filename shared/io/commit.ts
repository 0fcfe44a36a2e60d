import type { Redis } from "ioredis";
import type { Effects } from "../function.ts";
import type { GroupName, Keys, StreamName } from "../keys.ts";
import { COMMIT_SCRIPT } from "./commit-script.ts";
import { encodeCommit, splitCommit } from "./commit-call.ts";
import { defineScript } from "./redis.ts";

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
  /** A key is not what it has to be; nothing was touched. */
  | { readonly status: "blocked"; readonly key: string; readonly problem: string };

/** The answers to one commit, call by call, each with the items it speaks of. */
export interface CommitPart<Item extends CommitItem = CommitItem> {
  readonly items: readonly Item[];
  readonly answer: CommitAnswer;
}

export interface CommitSettings {
  /** How long a uid is remembered, and a manual invocation's entries. */
  readonly dedupTtlMs: number;
}

/** Performs effects and acknowledges entries, atomically per call. */
export type Commit = <Item extends CommitItem>(
  items: readonly Item[],
  options: CommitOptions,
) => Promise<readonly CommitPart<Item>[]>;

const OUTCOMES: Readonly<Record<string, CommitOutcome>> = {
  A: "applied",
  D: "duplicate",
  H: "held",
  F: "fenced",
};

/**
 * The commit on this connection. Items are split into calls small enough not to hold Redis up, sent at once and run in
 * order. When the connection breaks it is unknown which calls ran; committing the same items again is
 * harmless, since each has a fence.
 */
export function commitOn(redis: Redis, keys: Keys, settings: CommitSettings): Commit {
  const run = defineScript(redis, "commitEntries", COMMIT_SCRIPT);
  return async <Item extends CommitItem>(items: readonly Item[], options: CommitOptions) => {
    const calls = splitCommit(items).map(async (part): Promise<CommitPart<Item>> => {
      const { keyNames, args } = encodeCommit(part, keys, settings, options);
      return { items: part, answer: answerOf(await run(keyNames, args), part.length) };
    });
    const settled = await Promise.allSettled(calls);
    return settled.map((call) => {
      if (call.status === "rejected") throw call.reason;
      return call.value;
    });
  };
}

function answerOf(reply: unknown, entries: number): CommitAnswer {
  const [status, first, second] = Array.isArray(reply) ? reply.map(String) : [];
  if (status === "stale") return { status, version: first ?? "", epoch: second ?? "" };
  if (status === "blocked") return { status, key: first ?? "", problem: second ?? "" };
  const outcomes = (first ?? "").split("").map((letter) => OUTCOMES[letter]);
  if (status !== "committed" || outcomes.length !== entries || outcomes.includes(undefined)) {
    throw new Error(`commit script answered ${JSON.stringify(reply)} for ${entries} entries`);
  }
  return { status, outcomes: outcomes.filter((outcome) => outcome !== undefined) };
}
