import type { Entry } from "../entry.ts";
import type { Snapshot } from "../reference/snapshot.ts";
import { foldPhrase } from "../signal/signal.ts";
import { comparisonsMax } from "./closest-phrase.ts";

/**
 * Splits a batch, in order, into chunks of at most {@link OUTCOMES_MAX} outcomes, or of one entry: so much is decided and kept
 * in memory at a time. Comparisons of unknown messages with phrases count as outcomes, too.
 */
export function chunksOf(
  entries: readonly Entry[],
  snapshot: Pick<Snapshot, "subscriptions" | "strategiesPerPhraseMax">,
): readonly (readonly Entry[])[] {
  const ofUnknown = comparisonsMax(snapshot) * OUTCOMES_PER_COMPARISON;
  if (entries.length * Math.max(snapshot.strategiesPerPhraseMax, ofUnknown) <= OUTCOMES_MAX) return [entries];
  const chunks: Entry[][] = [];
  let room = 0;
  for (const entry of entries) {
    const phrase = foldPhrase(entry.fields["message"] ?? "");
    const outcomes = snapshot.subscriptions.get(phrase)?.strategies.length ?? ofUnknown;
    const chunk = chunks.at(-1);
    if (chunk === undefined || outcomes > room) {
      chunks.push([entry]);
      room = OUTCOMES_MAX - outcomes;
    } else {
      chunk.push(entry);
      room -= outcomes;
    }
  }
  return chunks;
}

/** With 500 strategies on each signal, a batch of 256 decided at once took a router 305 MB, in chunks of this size 215. */
export const OUTCOMES_MAX = 24_000;

/**
 * How many outcomes a comparison of an unknown message with a phrase counts for. A chunk of comparisons alone took 0.1 s at
 * most (8 µs a comparison, 4 ms a signal): far below the 2 s after which a decision is made again, even when other batches
 * are decided in between.
 */
const OUTCOMES_PER_COMPARISON = 2;
