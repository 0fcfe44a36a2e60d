import type { Redis } from "ioredis";
import type { Effects } from "../function.ts";
import type { GroupName, Keys, StreamName } from "../keys.ts";
import { COMMIT_SCRIPT } from "./commit-script.ts";
import { commitCalls, type CommitCallOptions } from "./commit-call.ts";
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

/** `lost`: another entry holds the uid, and what happens then was not sent: nothing was done. */
type EntryAnswer = CommitOutcome | "lost";

const ANSWERS: Readonly<Record<string, EntryAnswer>> = {
  A: "applied",
  D: "duplicate",
  H: "held",
  F: "fenced",
  L: "lost",
};

/**
 * The commit on this connection. Items are split into calls small enough not to hold Redis up, sent at once and run in
 * order. What happens when a claim is lost is sent only where it is, in a second round: few signals are duplicates, and
 * making that record for each of them took the router 7 µs. So an entry whose claim was lost comes behind the
 * others of its commit, and behind commits that were on their way by then, also if the claim has become free meanwhile. When the
 * connection breaks it is unknown which calls ran; committing the same items again is harmless, since each has a fence.
 */
export function commitOn(redis: Redis, keys: Keys, settings: CommitSettings): Commit {
  const script = defineScript(redis, "commitEntries", COMMIT_SCRIPT);

  async function run<Item extends CommitItem>(
    items: readonly Item[],
    options: CommitCallOptions,
    turnOf?: CommitOptions["turn"],
  ): Promise<Round<Item>> {
    const calls = commitCalls(items, keys, settings, options);
    const turn = await turnOf?.(calls.length);
    const sent = calls.map(async (call, i) => {
      const { keys: more, label, follows } = turn === undefined ? IN_NO_SEQUENCE : inSequence(turn, i);
      const args = [...call.settings, label, follows, ...call.payload];
      return partOf(call.items, await script([...call.keyNames, ...more], args));
    });
    turn?.onSent();
    const settled = await Promise.allSettled(sent);
    const answered = settled.flatMap((call) => (call.status === "fulfilled" ? [call.value] : []));
    const failed = settled.find((call) => call.status === "rejected");
    // Those behind a call that failed are early: they say nothing of why it failed.
    const isAnswered = answered.some(({ part }) => part.answer.status !== "early");
    if (failed !== undefined && !isAnswered) throw failed.reason;
    return { parts: answered.map(({ part }) => part), lost: answered.flatMap(({ lost }) => lost) };
  }

  return async <Item extends CommitItem>(items: readonly Item[], options: CommitOptions) => {
    const { parts, lost } = await run(items, { ...options, branches: "won" }, options.turn);
    if (lost.length === 0) return parts;
    const known = parts.filter((part) => part.items.length > 0);
    const again = run(lost, { ...options, branches: "both" });
    // What the first round has done is known; the caller comes back with the others.
    const { parts: others } = await (known.length > 0 ? again.catch(() => NOTHING) : again);
    return [...known, ...others];
  };
}

/** Where a call stands in a sequence, as the script wants to know it. */
interface InSequence {
  readonly keys: readonly string[];
  readonly label: string;
  readonly follows: string;
}

const IN_NO_SEQUENCE: InSequence = { keys: [], label: "", follows: "" };

function inSequence({ key, labels, follows }: CommitTurn, i: number): InSequence {
  return { keys: [key], label: labels[i] ?? "", follows: labels[i - 1] ?? follows };
}

const NOTHING = { parts: [], lost: [] };

interface Round<Item extends CommitItem> {
  readonly parts: readonly CommitPart<Item>[];
  /** Items nothing was done for, since another entry holds their uid. */
  readonly lost: readonly Item[];
}

/** What a call answered, told apart from the items it did nothing for. */
function partOf<Item extends CommitItem>(
  items: readonly Item[],
  reply: unknown,
): { part: CommitPart<Item>; lost: readonly Item[] } {
  const [status, first, second] = Array.isArray(reply) ? reply.map(String) : [];
  if (status === "stale") {
    return { part: { items, answer: { status, version: first ?? "", epoch: second ?? "" } }, lost: [] };
  }
  if (status === "early") return { part: { items, answer: { status } }, lost: [] };
  if (status === "blocked") {
    return { part: { items, answer: { status, key: first ?? "", problem: second ?? "" } }, lost: [] };
  }
  const done: Item[] = [];
  const outcomes: CommitOutcome[] = [];
  const lost: Item[] = [];
  for (const [i, item] of items.entries()) {
    const answer = ANSWERS[first?.[i] ?? ""];
    if (answer === undefined) break;
    if (answer === "lost") lost.push(item);
    else {
      done.push(item);
      outcomes.push(answer);
    }
  }
  if (
    status !== "committed" ||
    first?.length !== items.length ||
    done.length + lost.length !== items.length
  ) {
    throw new Error(`commit script answered ${JSON.stringify(reply)} for ${items.length} entries`);
  }
  return { part: { items: done, answer: { status, outcomes } }, lost };
}
