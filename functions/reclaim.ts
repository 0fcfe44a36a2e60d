import type { PendingEntry } from "../shared/io/streams/pending-entries.ts";

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
  /** To be reclaimed, oldest first. */
  readonly take: readonly PendingEntry[];
  /** Delivered too often already: to become dead letters. */
  readonly giveUp: readonly PendingEntry[];
}

export interface ReclaimStepsOptions {
  readonly deliveriesMax: number;
  /** Most entries of one step. */
  readonly countMax: number;
}

/**
 * The plan for entries that keep their order, one step after the other. `process`: together; when one of them ends the process, the
 * count of the others has risen as well, so what was delivered twice or more goes alone: no entry is given up for what another one
 * has done. `give_up`: delivered too often already, to become dead letters.
 */
export interface ReclaimStep {
  readonly kind: "process" | "give_up";
  /** Never empty; all delivered as often, oldest first. */
  readonly entries: readonly CountedEntry[];
}

/** A pending entry with the deliveries that were counted until now. */
export type CountedEntry = Pick<PendingEntry, "id" | "deliveries">;

/** Consecutive entries go together where they may. A delivery is counted at each step of its own, not here. */
export function reclaimSteps(
  pending: readonly CountedEntry[],
  { deliveriesMax, countMax }: ReclaimStepsOptions,
): readonly ReclaimStep[] {
  const steps: { kind: ReclaimStep["kind"]; entries: CountedEntry[] }[] = [];
  for (const entry of pending) {
    const { deliveries } = entry;
    const kind = deliveries >= deliveriesMax ? "give_up" : "process";
    const last = steps.at(-1);
    const isAlike = last?.kind === kind && last.entries[0]?.deliveries === deliveries;
    const mayShare = kind === "give_up" || isUnsuspected(deliveries, deliveriesMax);
    if (isAlike && mayShare && last.entries.length < countMax) last.entries.push(entry);
    else steps.push({ kind, entries: [entry] });
  }
  return steps;
}

/** Whether it was delivered so seldom that one more delivery, together with others, leaves it a turn of its own. */
function isUnsuspected(deliveries: number, deliveriesMax: number): boolean {
  return deliveries <= 1 && deliveries + 1 < deliveriesMax;
}
