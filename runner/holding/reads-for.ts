import type { FunctionName } from "../../shared/function-names.ts";
import { isExpired } from "../../shared/group-lease.ts";
import type { LeasesSeen } from "../../shared/io/leases/group-leases.ts";

/** The group whose holder also reads the groups without an order. */
export const LEADING_GROUP = "signal_processor";

/** What the holder of `signal_processor` runs: `own` when it is this process, `none` when no router holds it. */
export type Leader = "own" | "none" | readonly string[];

/** `seen` is the last look; undefined: there was none yet, so that it is not known. */
export function leaderOf(
  seen: LeasesSeen | undefined,
  { isOwn, consumer }: { readonly isOwn: boolean; readonly consumer: string },
): Leader | undefined {
  if (isOwn) return "own";
  if (seen === undefined) return undefined;
  const lease = seen.leases.get(LEADING_GROUP);
  // A look from before this process released the group shows it as the holder still.
  const isHeld = lease !== undefined && lease.runner !== consumer && !isExpired(lease, seen.now);
  return isHeld ? lease.functions : "none";
}

/** Whether this process reads for a function whose group keeps no order. */
export function readsUnder(leader: Leader | undefined, functionName: FunctionName): boolean {
  if (leader === undefined) return false;
  return leader === "own" || leader === "none" || !leader.includes(functionName);
}
