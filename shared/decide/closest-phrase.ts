import { distance } from "fastest-levenshtein";
import type { Snapshot } from "../reference/snapshot.ts";

/**
 * The known phrase closest to an unknown one: the fewest changes, at most half the characters of the longer one; of several,
 * the nearest in length. Undefined when there is none, or when {@link COMPARISONS_MAX} are not enough to find it.
 */
export function closestPhrase(phrase: string, { phrasesByLength }: Snapshot): string | undefined {
  return closestText(phrase, phrasesByLength, 1 / 2);
}

/** The same of any texts by their length, with at most this share of the characters changed. */
export function closestText(
  text: string,
  textsByLength: ReadonlyMap<number, readonly string[]>,
  shareChangedMax: number,
): string | undefined {
  let closest: string | undefined;
  let changes = text.length + 1;
  let compared = 0;
  // A difference in length takes at least as many changes.
  for (let difference = 0; difference < changes; difference += 1) {
    for (const length of new Set([text.length - difference, text.length + difference])) {
      const changesMax = Math.max(text.length, length) * shareChangedMax;
      const candidates = difference > changesMax ? [] : (textsByLength.get(length) ?? []);
      compared += candidates.length;
      if (compared > COMPARISONS_MAX) return undefined;
      for (const candidate of candidates) {
        const needed = distance(text, candidate);
        if (needed < changes && needed <= changesMax) {
          closest = candidate;
          changes = needed;
        }
      }
    }
  }
  return closest;
}

/** Longer messages are not compared with phrases. */
export const SPELLING_LENGTH_MAX = 100;

/** A comparison took 0.3 µs with 14 characters on both sides, 3 with 80, 8 with 100 and 200: at most 4 ms a signal. */
const COMPARISONS_MAX = 500;

/** The most phrases that an unknown one is compared with. */
export function comparisonsMax({ subscriptions }: Pick<Snapshot, "subscriptions">): number {
  return Math.min(subscriptions.size, COMPARISONS_MAX);
}
