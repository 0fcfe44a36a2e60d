import type { Redis } from "ioredis";
import { median, percentile } from "./percentiles.ts";

/** How long script calls have occupied Redis, by its own clock. */
export interface ScriptTimes {
  readonly longestMs: number;
  /** Of the recorded calls. */
  readonly medianMs: number;
}

/** Shorter calls are not recorded, so that recording costs next to nothing. */
const RECORDED_US_MIN = 200;
const RECORDED_MAX = 100_000;

/** Records how long scripts take from now on. The result is undefined when none was long enough to be recorded. */
export async function startTimingScripts(redis: Redis): Promise<() => Promise<ScriptTimes | undefined>> {
  await redis.config("SET", "slowlog-log-slower-than", RECORDED_US_MIN);
  await redis.config("SET", "slowlog-max-len", RECORDED_MAX);
  await redis.slowlog("RESET");
  return async () => {
    const calls = (await redis.call("SLOWLOG", "GET", RECORDED_MAX)) as [number, number, number, string[]][];
    const tookMs = calls
      .filter(([, , , [name = ""]]) => /^evalsha?$/i.test(name))
      .map(([, , tookUs]) => tookUs / 1000);
    if (tookMs.length === 0) return undefined;
    return { longestMs: percentile(tookMs, 1), medianMs: median(tookMs) };
  };
}
