import { setTimeout as pause } from "node:timers/promises";

export interface SteadyRate {
  readonly count: number;
  readonly perSecond: number;
}

/**
 * Calls `offer` evenly, by a schedule that does not wait for anything: what a late timer has missed follows at once, so
 * that the rate holds. Resolves after the last call.
 */
export async function atSteadyRate(
  { count, perSecond }: SteadyRate,
  offer: (i: number) => void,
): Promise<void> {
  const startedAt = performance.now();
  for (let i = 0; i < count;) {
    const waitMs = startedAt + (i * 1000) / perSecond - performance.now();
    if (waitMs > 0) {
      await pause(waitMs);
    } else {
      offer(i);
      i += 1;
    }
  }
}
