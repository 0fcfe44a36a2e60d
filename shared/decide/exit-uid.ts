import type { Direction, Side } from "../reference/reference.ts";

/**
 * The uid under which a signal is claimed, recorded and handed on: an exit has one of its own, so that it is never taken for a
 * repetition of an opening that has the same uid.
 */
export function uidOfDecision(uid: string, { direction, side }: Meaning): string {
  return direction === "flat" ? `${uid}:${side ?? "flat"}` : uid;
}

/** The uid that {@link uidOfDecision} made this one of, from a record. */
export function uidBeforeDecision(uid: string, { direction, side }: Meaning): string {
  const suffix = `:${side ?? "flat"}`;
  return direction === "flat" && uid.endsWith(suffix) ? uid.slice(0, -suffix.length) : uid;
}

/** What the phrase of a signal means. */
export interface Meaning {
  readonly direction: Direction | null;
  readonly side?: Side | null | undefined;
}

/** The uids that {@link uidOfDecision} makes of this one, as of its opening and of its exits. */
export function decidedUids(uid: string): readonly string[] {
  return [uid, ...["flat", "long", "short"].map((closed) => `${uid}:${closed}`)];
}

/** How much longer than the uid that a signal brings these can be. */
export const EXIT_UID_LENGTH_MORE = ":short".length;
