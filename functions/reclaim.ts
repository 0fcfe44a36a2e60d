import type { PendingEntry } from "../shared/io/streams/stream-group.ts";

/**
 * Sorts pending entries by Redis' own delivery count, which also counts the deliveries that killed their process. Leaves out
 * what is in flight in this process.
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

/** What to do with entries whose consumer is dead or stuck. */
export interface ReclaimPlan {
  /** To be reclaimed, oldest first, each processed alone. */
  readonly take: readonly PendingEntry[];
  /** Delivered too often already: to become dead letters. */
  readonly giveUp: readonly PendingEntry[];
}
