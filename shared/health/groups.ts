import { degraded, notReady, seconds, type Fault, type HealthLimits } from "./fault.ts";
import { waitingFaults, type WaitingHealth } from "./waiting.ts";

/** What is wrong with the reading of a group, and with what waits for it. */
export function groupFaults(group: GroupHealth, limits: HealthLimits): Fault[] {
  const severity = group.critical ? notReady : degraded;
  return [
    ...readerFaults(group, limits).map(severity),
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
  readonly waiting: WaitingHealth;
  /** Since the oldest pending entry was last delivered or extended; null when none is pending. */
  readonly oldestPendingIdleMs: number | null;
}

/** One reader of a group: a loop, or a scheduler's calls. */
export interface HeartbeatHealth {
  readonly agoMs: number;
  /** Time between two calls, in ms, when a scheduler makes them. */
  readonly everyMs?: number;
}

/** An idle loop reads once per BLOCK_MS. After three missed reads, but never sooner than this, it counts as stopped. */
const LOOP_SILENT_MS_MIN = 15_000;
/** So it does after three missed calls of a scheduler, but never later than this. */
const SCHEDULE_SILENT_MS_MAX = 3_600_000;

function readerFaults({ group, stream, exists, heartbeats }: GroupHealth, limits: HealthLimits): string[] {
  const name = `${group} on ${stream}`;
  if (!exists) return [`group ${name} does not exist; ${howToCreate(group, stream)}`];
  if (heartbeats.length === 0) return [`no consumer reads ${name}`];
  if (heartbeats.some((heartbeat) => isReading(heartbeat, limits))) return [];
  return [`no consumer has read ${name} for ${seconds(Math.min(...heartbeats.map(({ agoMs }) => agoMs)))}`];
}

/** A group that never was is made by its reader; for one that is gone a person has to choose. */
function howToCreate(group: string, stream: string): string {
  return `if it was removed, choose where it goes on: npm run cli -- groups create ${group} --stream ${stream} --from 0, $ or an entry id`;
}

/** Whether the reader that has this heartbeat still reads. */
export function isReading(heartbeat: HeartbeatHealth, limits: Pick<HealthLimits, "blockMs">): boolean {
  return heartbeat.agoMs <= silentMsMax(heartbeat, limits);
}

/** Longest time without a heartbeat, in ms, before its reader counts as stopped. */
function silentMsMax({ everyMs = 0 }: HeartbeatHealth, { blockMs }: Pick<HealthLimits, "blockMs">): number {
  return Math.max(3 * blockMs, LOOP_SILENT_MS_MIN, Math.min(3 * everyMs, SCHEDULE_SILENT_MS_MAX));
}

function idleFaults(
  { group, stream, oldestPendingIdleMs }: GroupHealth,
  { claimIdleMs }: HealthLimits,
): string[] {
  if (oldestPendingIdleMs === null || oldestPendingIdleMs <= 3 * claimIdleMs) return [];
  const idle = seconds(oldestPendingIdleMs);
  return [`no consumer has worked on a pending entry of ${group} on ${stream} for ${idle}`];
}
