import { isOrderedGroup } from "../../shared/keys.ts";
import type { Binding } from "../engine/binding.ts";
import type { Holding } from "../holding/holdings.ts";
import type { Services } from "../setup/services.ts";
import type { Budget } from "./budget.ts";

export interface CallOnGroup<T> {
  readonly budget: Budget;
  /** `holding`: undefined for a group that keeps no order, which needs none. */
  readonly act: (holding: Holding | undefined) => Promise<T>;
}

/** Another runner holds the group, so nothing was done. */
export interface GroupHeld {
  /** The name of that runner. */
  readonly held_by: string;
}

/** Holds the binding's group for a call on demand, until its work has ended, also when that outlasts the answer. */
export async function holdForCall<T extends object>(
  { group }: Pick<Binding, "group">,
  { holdings, config }: Pick<Services, "holdings" | "config">,
  { budget, act }: CallOnGroup<T>,
): Promise<T | GroupHeld> {
  if (!isOrderedGroup(group)) return act(undefined);
  const { leaseMs } = config;
  const holding = await holdings.tryHold(group, { waitMsMax: Math.min(leaseMs, budget.leftMs()) });
  if (holding.status === "held_by") return { held_by: holding.runner };
  // The call ends in time by itself; a run within it may take longer than the lease.
  const timer = setInterval(() => holding.alive(), leaseMs / 4);
  try {
    return await act(holding);
  } finally {
    clearInterval(timer);
    await holding.release();
  }
}
