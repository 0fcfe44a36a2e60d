import type { Entry } from "../entry.ts";
import type { Snapshot } from "../reference/snapshot.ts";
import { foldPhrase } from "../signal/signal.ts";
import { comparisonsMax } from "./closest-phrase.ts";

/** With 500 strategies on each signal, a batch of 256 decided at once took a router 305 MB, in portions of this 215. */
export const OUTCOMES_MAX = 24_000;

/**
 * What comparing an unknown message with a phrase counts for. A portion of nothing else took 0.1 s at its slowest (8 µs a
 * comparison, 4 ms a signal): far from the 2 s after which a decision is made again, also when other batches' are made in between.
 */
const OUTCOMES_PER_COMPARISON = 2;

/**
 * The entries, in their order, in portions that stand for so many outcomes at most, though for one entry at least: so much is
 * to be decided, and kept in memory, at a time. All in one portion unless many strategies subscribe to a phrase, or there are
 * many phrases: a message that is none may be compared with them.
 */
export function chunksOf(
  entries: readonly Entry[],
  snapshot: Pick<Snapshot, "subscriptions" | "strategiesPerPhraseMax">,
): readonly (readonly Entry[])[] {
  const ofUnknown = comparisonsMax(snapshot) * OUTCOMES_PER_COMPARISON;
  if (entries.length * Math.max(snapshot.strategiesPerPhraseMax, ofUnknown) <= OUTCOMES_MAX) return [entries];
  const portions: Entry[][] = [];
  let room = 0;
  for (const entry of entries) {
    const phrase = foldPhrase(entry.fields["message"] ?? "");
    const outcomes = snapshot.subscriptions.get(phrase)?.strategies.length ?? ofUnknown;
    const portion = portions.at(-1);
    if (portion === undefined || outcomes > room) {
      portions.push([entry]);
      room = OUTCOMES_MAX - outcomes;
    } else {
      portion.push(entry);
      room -= outcomes;
    }
  }
  return portions;
}
