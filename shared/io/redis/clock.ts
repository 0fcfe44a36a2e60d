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
 * One look is off by up to half of what it took, and it can take seconds: when Redis is away the command waits for it,
 * and this process may be stopped meanwhile. The fastest of several does not.
 */
const LOOKS_PER_SAMPLE = 3;

/** A clock that runs like this machine's until it is sampled. */
export function redisClock(redis: Redis): Clock {
  let offset = 0;
  return {
    now: () => Date.now() + offset,
    async sample() {
      let fastest = { tookMs: Infinity, seen: offset };
      for (let look = 0; look < LOOKS_PER_SAMPLE; look += 1) {
        const startedAt = performance.now();
        const seen = await clockOffset(redis);
        const tookMs = performance.now() - startedAt;
        if (tookMs < fastest.tookMs) fastest = { tookMs, seen };
      }
      offset = fastest.seen;
    },
  };
}
