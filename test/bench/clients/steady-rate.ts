import { setTimeout as pause } from "node:timers/promises";

/**
 * Calls `offer` at a steady rate, by a schedule that waits for nothing: calls that a late timer has missed follow at
 * once. Resolves after the last call.
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

export interface SteadyRate {
  readonly count: number;
  readonly perSecond: number;
}
