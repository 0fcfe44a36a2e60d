import type { HealthLimits } from "./fault.ts";

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

/** Whether the reader that has this heartbeat still reads. */
export function isReading(heartbeat: HeartbeatHealth, limits: Pick<HealthLimits, "blockMs">): boolean {
  return heartbeat.agoMs <= silentMsMax(heartbeat, limits);
}

/** Longest time without a heartbeat, in ms, before its reader counts as stopped. */
function silentMsMax({ everyMs = 0 }: HeartbeatHealth, { blockMs }: Pick<HealthLimits, "blockMs">): number {
  return Math.max(3 * blockMs, LOOP_SILENT_MS_MIN, Math.min(3 * everyMs, SCHEDULE_SILENT_MS_MAX));
}
