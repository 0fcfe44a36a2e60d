import type { Redis } from "ioredis";

/** Redis' time, ms since 1970. */
async function redisTime(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1000 + Number(microseconds) / 1000;
}

/**
 * How far another clock is ahead of Redis', in ms: its time is read between two of Redis'. By default the clock of this
 * machine.
 */
export async function aheadOfRedis(
  redis: Redis,
  readTime: () => number | Promise<number> = Date.now,
): Promise<number> {
  const before = await redisTime(redis);
  const time = await readTime();
  return time - (before + (await redisTime(redis))) / 2;
}
