import { distance } from "fastest-levenshtein";
import type { Snapshot } from "../reference/snapshot.ts";

/** Longer messages are no misspelt phrase. */
export const SPELLING_LENGTH_MAX = 100;

/** A comparison took 0.3 µs with 14 characters on both sides, 3 with 80, 8 with 100 and 200: 4 ms a signal at worst. */
const COMPARISONS_MAX = 500;

/** How many phrases any unknown one is compared with at most. */
export function comparisonsMax({ subscriptions }: Pick<Snapshot, "subscriptions">): number {
  return Math.min(subscriptions.size, COMPARISONS_MAX);
}

/**
 * The phrase that takes the fewest changes, no more than half as many as the longer one has characters; of several the
 * nearest in length. Undefined when there is none, or when {@link COMPARISONS_MAX} do not suffice to be sure.
 */
export function closestPhrase(phrase: string, { phrasesByLength }: Snapshot): string | undefined {
  let closest: string | undefined;
  let changes = phrase.length + 1;
  let compared = 0;
  // Phrases so far apart in length take at least as many changes.
  for (let apart = 0; apart < changes; apart += 1) {
    for (const length of new Set([phrase.length - apart, phrase.length + apart])) {
      const changesMax = Math.max(phrase.length, length) / 2;
      const candidates = apart > changesMax ? [] : (phrasesByLength.get(length) ?? []);
      compared += candidates.length;
      if (compared > COMPARISONS_MAX) return undefined;
      for (const candidate of candidates) {
        const taken = distance(phrase, candidate);
        if (taken < changes && taken <= changesMax) {
          closest = candidate;
          changes = taken;
        }
      }
    }
  }
  return closest;
}
