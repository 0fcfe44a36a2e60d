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
