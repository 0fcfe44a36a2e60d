import type { Redis } from "ioredis";
import { clockOffset } from "./connection.ts";

/** Redis' clock, so that the ages of signals do not depend on this machine's. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Samples the offset between the two clocks. */
  sample(): Promise<void>;
}

/**
 * A reading is wrong by up to half the time it took, which can be seconds when Redis is unavailable or this process is paused.
 * Of several, the fastest one counts.
 */
const READINGS_PER_SAMPLE = 3;

/** A clock that runs like this machine's until it is sampled. */
export function redisClock(redis: Redis): Clock {
  let offset = 0;
  return {
    now: () => Date.now() + offset,
    async sample() {
      let fastest = { tookMs: Infinity, offset };
      for (let n = 0; n < READINGS_PER_SAMPLE; n += 1) {
        const startedAt = performance.now();
        const reading = await clockOffset(redis);
        const tookMs = performance.now() - startedAt;
        if (tookMs < fastest.tookMs) fastest = { tookMs, offset: reading };
      }
      offset = fastest.offset;
    },
  };
}
