import type { Redis } from "ioredis";
import { median, percentile } from "./percentiles.ts";

/** How long calls of scripts have kept Redis, by its own clock. */
export interface ScriptTimes {
  /** The longest one, in ms. */
  readonly longestMs: number;
  /** Half of the noted ones took no longer, in ms. */
  readonly medianMs: number;
}

/** Shorter calls are not noted, so that noting costs nothing. */
const NOTED_FROM_US = 200;
const NOTED_MAX = 100_000;

/** Notes how long scripts take from here on. The answer is undefined when none took long enough to be noted. */
export async function startTimingScripts(redis: Redis): Promise<() => Promise<ScriptTimes | undefined>> {
  await redis.config("SET", "slowlog-log-slower-than", NOTED_FROM_US);
  await redis.config("SET", "slowlog-max-len", NOTED_MAX);
  await redis.slowlog("RESET");
  return async () => {
    const noted = (await redis.call("SLOWLOG", "GET", NOTED_MAX)) as [number, number, number, string[]][];
    const tookMs = noted
      .filter(([, , , [name = ""]]) => /^evalsha?$/i.test(name))
      .map(([, , tookUs]) => tookUs / 1000);
    if (tookMs.length === 0) return undefined;
    return { longestMs: percentile(tookMs, 1), medianMs: median(tookMs) };
  };
}
