import type { Redis } from "ioredis";
import { entryTime } from "../../entry.ts";
import type { Keys } from "../../keys.ts";

/** Reads how many dead letters wait to be retried or discarded, and since when. */
export async function readDeadLetterStatus(redis: Redis, keys: Keys): Promise<DeadLetterStatus> {
  const key = keys.stream("dead_letters");
  const [count, [oldest]] = await Promise.all([redis.xlen(key), redis.xrange(key, "-", "+", "COUNT", 1)]);
  return { count, oldestAt: oldest === undefined ? null : entryTime(oldest[0]) };
}

export interface DeadLetterStatus {
  readonly count: number;
  /** Milliseconds since 1970; null when there is none. */
  readonly oldestAt: number | null;
}
