import type { ReferenceRows } from "../../shared/reference/reference.ts";
import type { Paused } from "../builders.ts";

/** What was in force when, by Redis' clock in milliseconds: the pauses and the reference. */

/** Somebody paused or resumed: at some moment from `before` to `after` it came into force. */
export interface ControlChange {
  readonly paused: Paused;
  readonly before: number;
  readonly after: number;
}

/** The reference's rows as they were written; every revision differs from all others, so its version names it. */
export interface Revision {
  readonly version: string;
  readonly rows: ReferenceRows;
}

/** `reference:current` at one moment. */
export interface Observation {
  readonly at: number;
  readonly version: string;
}

/** Redis takes the time of a script's entries once per turn of its event loop. */
const CLOCK_MS = 10;

/** Who may have been paused for the commit at that moment: one answer, or two while somebody changed it. */
export function pausedAt(changes: readonly ControlChange[], at: number): Paused[] {
  return changes
    .filter(({ before }, i) => {
      const until = changes[i + 1]?.after ?? Infinity;
      return before - CLOCK_MS <= at && at <= until + CLOCK_MS;
    })
    .map(({ paused }) => paused);
}

/** First and last revision that may have been current at that moment, by what was observed before and after. */
export function revisionsAt(
  observations: readonly Observation[],
  revisionOf: ReadonlyMap<string, number>,
  at: number,
): { readonly first: number; readonly last: number } {
  const before = observations[indexAfter(observations, at - CLOCK_MS) - 1];
  const after = observations[indexAfter(observations, at + CLOCK_MS)];
  return {
    first: revisionOf.get(before?.version ?? "") ?? 0,
    last: revisionOf.get(after?.version ?? "") ?? Infinity,
  };
}

/** Index of the first observation later than `at`. */
function indexAfter(observations: readonly Observation[], at: number): number {
  let low = 0;
  let high = observations.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((observations[middle]?.at ?? Infinity) > at) high = middle;
    else low = middle + 1;
  }
  return low;
}
