import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";

/** How long to look whether the process has other work, in ms. */
const LOOK_MS = 5;
/** From this share of the time on it has. */
const BUSY_FROM = 0.3;
/** The share of the time that is taken from a busy process. */
const SHARE_MAX = 0.02;
const REST_MS_MAX = 400;

/** Lets other work of this process go first: after a slice of `workedMs`, rests for long while the process is busy. */
export async function restAfter(workedMs: number): Promise<void> {
  await nextTurn();
  const before = performance.eventLoopUtilization();
  await delay(LOOK_MS);
  const { utilization } = performance.eventLoopUtilization(before);
  if (utilization >= BUSY_FROM) await delay(Math.min(REST_MS_MAX, workedMs / SHARE_MAX));
}
