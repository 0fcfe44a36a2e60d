import type { Redis } from "ioredis";
import { readTime } from "./clock.ts";

/**
 * How far another clock is ahead of Redis', in ms: its time is read between two of Redis'. By default the clock of this
 * machine.
 */
export async function aheadOfRedis(
  redis: Redis,
  timeOf: () => number | Promise<number> = Date.now,
): Promise<number> {
  const before = await readTime(redis);
  const time = await timeOf();
  return time - (before + (await readTime(redis))) / 2;
}
