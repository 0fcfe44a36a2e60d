import { leaseStateOf, type LeaseState, type SeenExpired } from "../../shared/group-lease.ts";
import type { GroupLeases, LeasesSeen } from "../../shared/io/leases/group-leases.ts";
import { ORDERED_GROUPS, type OrderedGroup } from "../../shared/keys.ts";

/** Looks at the leases of all groups and remembers what has to be seen twice. */
export interface LeaseWatch {
  look(): Promise<void>;
  /** What the last look means for a group. @throws Error when its lease cannot be read */
  stateOf(group: OrderedGroup): LeaseState;
  latest(): LeasesSeen | undefined;
}

export function leaseWatchOn(leases: GroupLeases): LeaseWatch {
  const seen = new Map<OrderedGroup, SeenExpired>();
  const states = new Map<OrderedGroup, LeaseState>();
  let latest: LeasesSeen | undefined;
  return {
    async look() {
      const found = await leases.look();
      // Answers come in order, so this is the newest.
      latest = found;
      for (const group of ORDERED_GROUPS) {
        const state = leaseStateOf(found.leases.get(group), { now: found.now, seen: seen.get(group) });
        states.set(group, state);
        if ("seen" in state) seen.set(group, state.seen);
        else seen.delete(group);
      }
    },
    stateOf(group) {
      const problem = latest?.unreadable.get(group);
      if (problem !== undefined) throw new Error(unreadableText(group, problem));
      return states.get(group) ?? { status: "free" };
    },
    latest: () => latest,
  };
}

function unreadableText(group: OrderedGroup, problem: string): string {
  return `the lease of ${group} cannot be read (Redis said: ${problem}): it is expected to be a hash; delete the key`;
}
