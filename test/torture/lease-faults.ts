import { setTimeout as pause } from "node:timers/promises";
import { hangCommands, holderPid } from "../runner/holding/order.ts";
import type { PlannedFault } from "./faults.ts";
import type { RouterSlot } from "./router-slot.ts";
import { LEASE_MS, untilDone, type Stage } from "./stage.ts";

/** Faults of the router that holds a group, and of its lease; which of the two groups depends on the fault. */

const GROUPS = ["signal_processor", "strategy_executor"] as const;
const HOLDER_MS_MAX = 5_000;
/** So long the fault is under way: the router gives the group up after 2 × LEASE_MS, and another one takes it. */
const HANGING_MS = 4 * LEASE_MS;

function groupOf({ which }: PlannedFault): (typeof GROUPS)[number] {
  return which % 2 === 0 ? "signal_processor" : "strategy_executor";
}

/** The router that holds the group, if there is one within a few seconds. */
async function holderOf(
  { redis, keys, routers }: Stage,
  fault: PlannedFault,
): Promise<RouterSlot | undefined> {
  for (const startedAt = performance.now(); performance.now() - startedAt < HOLDER_MS_MAX;) {
    const pid = await holderPid(redis, keys.groupLease(groupOf(fault))).catch(() => undefined);
    const holder = routers.find((slot) => pid !== undefined && slot.pid === pid);
    if (holder !== undefined) return holder;
    await pause(20);
  }
  return undefined;
}

export async function deleteLease({ redis, keys }: Stage, fault: PlannedFault): Promise<void> {
  await untilDone(async () => redis.del(keys.groupLease(groupOf(fault))));
}

export async function freezeHolder(stage: Stage, fault: PlannedFault): Promise<void> {
  await (await holderOf(stage, fault))?.freeze(fault.forMs);
}

export async function hangHolder(stage: Stage, fault: PlannedFault): Promise<void> {
  const holder = await holderOf(stage, fault);
  const relay = holder === undefined ? undefined : stage.relays[stage.routers.indexOf(holder)];
  if (holder?.pid === undefined || relay === undefined) return;
  await hangCommands(stage.redis, relay, holder.pid).catch(() => false);
  await pause(HANGING_MS);
}
