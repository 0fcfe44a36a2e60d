import { degraded, notReady, seconds, type Fault, type HealthLimits } from "./fault.ts";
import { isReading, type HeartbeatHealth } from "./heartbeats.ts";

/** Which router holds a group that keeps its order. Of all that run, one reads it, and the others are its standbys. */
export interface HolderHealth {
  readonly lease: "held" | "expired" | "free" | "unreadable";
  /** What Redis says about a lease that cannot be read. */
  readonly problem?: string;
  /** Who holds it, or held it last. */
  readonly runner?: string;
  /** Since it was taken; of a held lease. */
  readonly heldMs?: number;
  /** Since it ran out; of an expired lease. */
  readonly expiredMs?: number;
  /** For how long this process has seen that no router holds it. */
  readonly seenFreeMs: number;
  /** The function that reads the group. */
  readonly readBy: string;
  /** Routers that run it and give signs of life. */
  readonly living: number;
  /** Consumers that read the group without its lease: routers of an older version. */
  readonly withoutLease: readonly string[];
}

/** What groups.ts knows about the group besides. */
interface HeldGroupHealth {
  readonly stream: string;
  readonly group: string;
  readonly heartbeats: readonly HeartbeatHealth[];
  readonly holder?: HolderHealth;
  readonly waiting: { readonly count: number };
}

/** A new holder gives its first heartbeat within this time. */
const FIRST_HEARTBEAT_MS_MAX = 15_000;

/** Whether the group has a holder that has just begun, or will have one in a moment. */
export function isHandedOver(holder: HolderHealth, limits: Pick<HealthLimits, "leaseMs">): boolean {
  if (holder.lease === "held") return (holder.heldMs ?? 0) < FIRST_HEARTBEAT_MS_MAX;
  return holder.living > 0 && (holder.expiredMs ?? holder.seenFreeMs) < 2 * limits.leaseMs;
}

/** What is wrong with who holds a group, whether or not it is read. */
export function holderFaults(
  { group, stream, holder, heartbeats, waiting }: HeldGroupHealth,
  limits: Pick<HealthLimits, "leaseMs" | "blockMs">,
): Fault[] {
  if (holder === undefined) return [];
  const older = olderFaults(holder, group);
  if (holder.lease === "held") return older;
  if (holder.lease === "unreadable") {
    const reason = `the lease of ${group} cannot be read, so no router reads ${stream} (Redis said: ${holder.problem ?? ""}): delete the key`;
    return [notReady(reason), ...older];
  }
  if (waiting.count === 0 || isReadWithoutLease(heartbeats, holder, limits)) return older;
  const seenMs = holder.living > 0 ? holder.seenFreeMs : Infinity;
  const agoMs = Math.min(...heartbeats.map((heartbeat) => heartbeat.agoMs), holder.expiredMs ?? seenMs);
  // Without any trace of a holder, the group has no reader at all, which is said already.
  if (agoMs === Infinity || agoMs < 2 * limits.leaseMs) return older;
  return [notReady(withoutHolder(group, holder, { agoMs, waiting: waiting.count })), ...older];
}

/** Between two calls of a scheduler no call holds the group, and a router of an older version holds nothing. */
function isReadWithoutLease(
  heartbeats: readonly HeartbeatHealth[],
  { withoutLease }: HolderHealth,
  limits: Pick<HealthLimits, "blockMs">,
): boolean {
  const scheduled = heartbeats.filter(({ everyMs }) => everyMs !== undefined);
  return withoutLease.length > 0 || scheduled.some((heartbeat) => isReading(heartbeat, limits));
}

function withoutHolder(
  group: string,
  { runner, lease, living, readBy }: HolderHealth,
  { agoMs, waiting }: { readonly agoMs: number; readonly waiting: number },
): string {
  const last = lease === "expired" && runner !== undefined ? ` (the last one was ${runner})` : "";
  const what =
    living === 0
      ? `start a router with ${readBy} in FUNCTIONS`
      : `${living} with ${readBy} ${living === 1 ? "runs" : "run"} and should take it: see their logs`;
  const entries = waiting === 1 ? "1 entry waits" : `${waiting} entries wait`;
  return `no router has held ${group} for ${seconds(agoMs)}${last} while ${entries}; ${what}`;
}

/** Beside routers that hold groups, one of an older version reads as it always did. */
function olderFaults({ withoutLease, living }: HolderHealth, group: string): Fault[] {
  if (living === 0 || withoutLease.length === 0) return [];
  const who = withoutLease.join(", ");
  return [
    degraded(
      `${who} ${withoutLease.length === 1 ? "reads" : "read"} ${group} without holding it, as routers of an older version do: nothing is doubled, but order is not kept until it is upgraded`,
    ),
  ];
}
