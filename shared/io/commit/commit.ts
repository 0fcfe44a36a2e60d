import type { Redis } from "ioredis";
import type {
  CommitItem,
  CommitOptions,
  CommitTurn,
  CommitOutcome,
  CommitPart,
  CommitSettings,
  Commit,
} from "../../commit.ts";
import type { Keys } from "../../keys.ts";
import { defineScript } from "../redis/connection.ts";
import { commitCalls, type CommitCallOptions } from "./calls.ts";
import { COMMIT_SCRIPT } from "./script.ts";

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
