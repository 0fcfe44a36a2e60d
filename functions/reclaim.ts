import type { PendingEntry } from "../shared/io/streams/stream-group.ts";

/** What to do with entries nobody has worked on for too long. */
export interface ReclaimPlan {
  /** To be taken over, oldest first, each worked on alone. */
  readonly take: readonly PendingEntry[];
  /** Delivered too often already: to become dead letters. */
  readonly giveUp: readonly PendingEntry[];
}

/**
 * Sorts pending entries by Redis' own delivery count, which also counts the deliveries that killed their process. What
 * this process holds itself is left alone.
 */
export function planReclaim(
  pending: readonly PendingEntry[],
  { held, deliveriesMax }: { readonly held: ReadonlySet<string>; readonly deliveriesMax: number },
): ReclaimPlan {
  const others = pending.filter((entry) => !held.has(entry.id));
  return {
    take: others.filter((entry) => entry.deliveries < deliveriesMax),
    giveUp: others.filter((entry) => entry.deliveries >= deliveriesMax),
  };
}
