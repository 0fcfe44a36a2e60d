import type { Redis } from "ioredis";
import { clockOffset } from "../shared/io/redis.ts";

/** Redis' clock, so that the ages of signals do not depend on this machine's. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Samples the offset between the two clocks. */
  sample(): Promise<void>;
}

/** A clock that runs like this machine's until it is sampled. */
export function redisClock(redis: Redis): Clock {
  let offset = 0;
  return {
    now: () => Date.now() + offset,
    async sample() {
      offset = await clockOffset(redis);
    },
  };
}
