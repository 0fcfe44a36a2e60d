import type { Redis } from "ioredis";

/** What a server has spent, in microseconds. */
export interface RedisCost {
  /** Inside commands, by Redis' own count; what scripts call counts once, as part of the script. */
  readonly commandsUs: number;
  /** CPU of the main thread: commands, and reading, parsing, answering and feeding the AOF. */
  readonly mainThreadUs: number;
}

/** Commands that only scripts call here, and whose time is in theirs already. */
const INSIDE_SCRIPTS =
  /^(?:xadd|xack|set|get|hset|hmget|hget|type|exists|xinfo|time|xpending|xrange|xclaim)$/;

/** Counts from zero from here on. */
export async function startCosting(redis: Redis): Promise<() => Promise<RedisCost>> {
  await redis.config("RESETSTAT");
  const before = await mainThreadUs(redis);
  return async () => ({
    commandsUs: await commandsUs(redis),
    mainThreadUs: (await mainThreadUs(redis)) - before,
  });
}

async function commandsUs(redis: Redis): Promise<number> {
  let sum = 0;
  for (const line of (await redis.info("commandstats")).split("\r\n")) {
    const match = /^cmdstat_([^:]+):calls=\d+,usec=(\d+)/.exec(line);
    if (match !== null && !INSIDE_SCRIPTS.test(match[1] ?? "")) sum += Number(match[2]);
  }
  return sum;
}

async function mainThreadUs(redis: Redis): Promise<number> {
  const info = await redis.info("cpu");
  const seconds = (name: string): number => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1] ?? 0);
  return (seconds("used_cpu_sys_main_thread") + seconds("used_cpu_user_main_thread")) * 1e6;
}
