import type { Redis } from "ioredis";

/** Redis' clock, so that the ages of signals do not depend on this machine's. */
export interface Clock {
  /** Whole milliseconds since 1970. When a sample is due, one is asked for, and the answer may be wrong until then. */
  now(): number;
  /** Samples how far Redis' clock is ahead of this process' monotonic one. */
  sample(): Promise<void>;
  /** True when the last sample is old, this machine has slept since or its clock was set, or a check found another time. */
  isDue(): boolean;
  /** Asks Redis for its time, whole milliseconds since 1970, in one round trip. When `now()` shows another, a sample is due. */
  check(): Promise<number>;
  /** Time since Redis' clock was last seen to be set, in ms, or since this machine woke up; Infinity when it never was. */
  steadyMs(): number;
}

/** How often Redis' clock is sampled, in ms, when nothing asks for it sooner. */
export const CLOCK_SAMPLE_MS = 10_000;

/**
 * A reading is wrong by up to half the time it took, which can be seconds when Redis is unavailable or this process is paused.
 * Of several, the fastest one counts.
 */
const READINGS_PER_SAMPLE = 3;

/** A difference of more than this, in ms, is a clock that was set, or a machine that slept; less is drift. */
const STEP_MS = 1_000;

/** What the clock is made of. */
export interface TimeSources {
  /** Redis' time, milliseconds since 1970. */
  readonly readRedis: () => Promise<number>;
  /** Milliseconds since any moment, never set by anything; it may stand still while the machine sleeps. */
  readonly monotonic: () => number;
  /** This machine's clock; only its difference to `monotonic` is looked at, which shows a sleep. */
  readonly wall: () => number;
}

/** The clock of the Redis on this connection. */
export function redisClock(redis: Redis): Clock {
  return clockOf({
    readRedis: async () => readTime(redis),
    monotonic: () => performance.now(),
    wall: () => Date.now(),
  });
}

/** Before its first sample it shows this machine's clock. */
export function clockOf({ readRedis, monotonic, wall }: TimeSources): Clock {
  const skewNow = (): number => wall() - monotonic();
  /** `offset` is added to the monotonic time; `skew` and `at` are those of the moment the sample, the n-th, began. */
  let current = { n: 0, offset: skewNow(), skew: skewNow(), at: -Infinity };
  let begunCount = 0;
  let steppedAt = -Infinity;
  let isWrong = false;
  let isAsked = false;

  async function sample(): Promise<void> {
    // Before the first reading: a sleep during the sample shows, too.
    const begun = { n: (begunCount += 1), skew: skewNow(), at: monotonic() };
    isWrong = false;
    let fastest = { tookMs: Infinity, offset: 0 };
    try {
      for (let n = 0; n < READINGS_PER_SAMPLE; n += 1) {
        const startedAt = monotonic();
        const redisNow = await readRedis();
        const tookMs = monotonic() - startedAt;
        if (tookMs < fastest.tookMs) fastest = { tookMs, offset: redisNow - startedAt - tookMs / 2 };
      }
    } catch (error) {
      isWrong = true;
      throw error;
    }
    // Of samples at the same time, the one that began last knows best.
    if (begun.n < current.n) return;
    if (current.n > 0 && Math.abs(fastest.offset - current.offset) > STEP_MS) steppedAt = monotonic();
    current = { ...begun, offset: fastest.offset };
  }

  function ask(): void {
    if (isAsked) return;
    isAsked = true;
    // If Redis is unavailable, what is done with the time reports that.
    void sample()
      .catch(() => undefined)
      .finally(() => {
        isAsked = false;
      });
  }

  const isOff = (at: number): boolean => isWrong || Math.abs(wall() - at - current.skew) > STEP_MS;
  return {
    now() {
      const at = monotonic();
      if (isOff(at)) ask();
      return Math.round(at + current.offset);
    },
    sample,
    isDue() {
      const at = monotonic();
      return isOff(at) || at - current.at >= CLOCK_SAMPLE_MS;
    },
    async check() {
      const startedAt = monotonic();
      const redisNow = await readRedis();
      const at = monotonic();
      if (Math.abs(redisNow - at - current.offset) > STEP_MS + at - startedAt) {
        isWrong = true;
        if (current.n > 0) steppedAt = at;
        ask();
      }
      return redisNow;
    },
    steadyMs: () => monotonic() - steppedAt,
  };
}

/** Redis' time, whole milliseconds since 1970, in one round trip: for moments that must be right however wrong a clock is. */
export async function readTime(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
}
