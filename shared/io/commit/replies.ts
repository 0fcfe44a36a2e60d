import type { CommitItem, CommitOutcome, CommitPart } from "../../commit.ts";

/** What one call did, and the items it did nothing for because another entry holds their uid. */
export interface CallResult<Item extends CommitItem> {
  readonly part: CommitPart<Item>;
  readonly lost: readonly Item[];
}

/** What each letter of a reply says about its entry. */
const LETTERS: Readonly<Record<string, CommitOutcome | "lost">> = {
  A: "applied",
  D: "duplicate",
  H: "held",
  F: "fenced",
  L: "lost",
};

/** The script's reply to a call with these items. @throws Error when it is none of those in the script's header */
export function readReply<Item extends CommitItem>(items: readonly Item[], reply: unknown): CallResult<Item> {
  const [status, first = "", second = "", third = ""] = Array.isArray(reply) ? reply.map(String) : [];
  if (status === "stale") {
    const time = third === "" ? {} : { aheadMs: Number(third) };
    return { part: { items, answer: { status, version: first, epoch: second, ...time } }, lost: [] };
  }
  if (status === "early" || status === "deposed") return { part: { items, answer: { status } }, lost: [] };
  if (status === "blocked") {
    return { part: { items, answer: { status, key: first, problem: second } }, lost: [] };
  }
  const done: Item[] = [];
  const outcomes: CommitOutcome[] = [];
  const lost: Item[] = [];
  for (const [i, item] of items.entries()) {
    const outcome = LETTERS[first[i] ?? ""];
    if (outcome === "lost") lost.push(item);
    else if (outcome !== undefined) {
      done.push(item);
      outcomes.push(outcome);
    }
  }
  const isComplete = first.length === items.length && done.length + lost.length === items.length;
  if (status !== "committed" || !isComplete) {
    throw new Error(`commit script answered ${JSON.stringify(reply)} for ${items.length} entries`);
  }
  return { part: { items: done, answer: { status, outcomes } }, lost };
}
