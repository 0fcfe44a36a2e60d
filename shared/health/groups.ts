import { degraded, notReady, seconds, type Fault, type HealthLimits } from "./fault.ts";
import { isReading, type HeartbeatHealth } from "./heartbeats.ts";
import { holderFaults, isHandedOver, type HolderHealth } from "./holders.ts";
import { waitingFaults, type WaitingHealth } from "./waiting.ts";

/** What is wrong with the reading of a group, and with what waits for it. */
export function groupFaults(group: GroupHealth, limits: HealthLimits): Fault[] {
  const severity = group.critical ? notReady : degraded;
  const holding = group.exists ? holderFaults(group, limits) : [];
  // Who should read it says more than that nothing reads it.
  const isExplained = holding.some((fault) => fault.severity === "not_ready");
  return [
    ...(isExplained ? [] : readerFaults(group, limits).map(severity)),
    ...holding,
    ...waitingFaults(group, limits),
    ...idleFaults(group, limits).map(degraded),
  ];
}

/** One of the router's own groups. */
export interface GroupHealth {
  readonly stream: string;
  readonly group: string;
  /** True when signals are not decided without it. */
  readonly critical: boolean;
  readonly exists: boolean;
  /** When each of its readers last asked for entries; empty when it has none. */
  readonly heartbeats: readonly HeartbeatHealth[];
  /** Which router may read it; absent for a group that keeps no order. */
  readonly holder?: HolderHealth;
  readonly waiting: WaitingHealth;
  /** Since the oldest pending entry was last delivered or extended; null when none is pending. */
  readonly oldestPendingIdleMs: number | null;
}

function readerFaults(
  { group, stream, exists, heartbeats, holder }: GroupHealth,
  limits: HealthLimits,
): string[] {
  const name = `${group} on ${stream}`;
  if (!exists) return [`group ${name} does not exist; ${howToCreate(group, stream)}`];
  // Only the holder gives heartbeats: those of the former one have ended, those of the next one have not begun.
  if (holder !== undefined && isHandedOver(holder, limits)) return [];
  if (heartbeats.length === 0) return [`no consumer reads ${name}`];
  if (heartbeats.some((heartbeat) => isReading(heartbeat, limits))) return [];
  return [`no consumer has read ${name} for ${seconds(Math.min(...heartbeats.map(({ agoMs }) => agoMs)))}`];
}

/** A group that never was is made by its reader; for one that is gone a person has to choose. */
function howToCreate(group: string, stream: string): string {
  return `if it was removed, choose where it goes on: npm run cli -- groups create ${group} --stream ${stream} --from 0, $ or an entry id`;
}

function idleFaults(
  { group, stream, oldestPendingIdleMs }: GroupHealth,
  { claimIdleMs }: HealthLimits,
): string[] {
  if (oldestPendingIdleMs === null || oldestPendingIdleMs <= 3 * claimIdleMs) return [];
  const idle = seconds(oldestPendingIdleMs);
  return [`no consumer has worked on a pending entry of ${group} on ${stream} for ${idle}`];
}
