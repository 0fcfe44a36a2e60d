import type { ReferenceRows } from "../../shared/reference/reference.ts";
import type { Paused } from "../builders.ts";

/** Which pauses and which reference were in force at a time, by Redis' clock in milliseconds. */

/** A pause or a resumption, which came into force at some moment from `before` to `after`. */
export interface ControlChange {
  readonly paused: Paused;
  readonly before: number;
  readonly after: number;
}

/** The rows of the reference as written; all revisions differ, so a version belongs to one of them. */
export interface Revision {
  readonly version: string;
  readonly rows: ReferenceRows;
}

/** `reference:current` at one moment. */
export interface Observation {
  readonly at: number;
  readonly version: string;
}

/** Redis reads its clock, which gives the ids of a script's entries, once per turn of its event loop. */
const CLOCK_MS = 10;

/** The pauses that a commit at that moment may have met: one state, or two during a change. */
export function pausedAt(changes: readonly ControlChange[], at: number): Paused[] {
  return changes
    .filter(({ before }, i) => {
      const until = changes[i + 1]?.after ?? Infinity;
      return before - CLOCK_MS <= at && at <= until + CLOCK_MS;
    })
    .map(({ paused }) => paused);
}

/**
 * First and last revision that may have been current at that moment, by the observations before and after it: with `withinMs`, by all
 * that are so near, where they may be of a server that was no longer the master.
 */
export function revisionsAt(
  observations: readonly Observation[],
  revisionOf: ReadonlyMap<string, number>,
  { at, withinMs = 0 }: { readonly at: number; readonly withinMs?: number },
): { readonly first: number; readonly last: number } {
  const from = indexAfter(observations, at - CLOCK_MS - withinMs) - 1;
  const to = indexAfter(observations, at + CLOCK_MS + withinMs);
  const seen = observations.slice(Math.max(0, from), to + 1).map(({ version }) => revisionOf.get(version));
  return {
    first: from < 0 ? 0 : Math.min(...seen.map((revision) => revision ?? 0)),
    last: to < observations.length ? Math.max(...seen.map((revision) => revision ?? Infinity)) : Infinity,
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
