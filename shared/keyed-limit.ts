import pLimit, { type LimitFunction } from "p-limit";

/** Runs a job as soon as fewer than so many jobs with the same key are running. */
export type KeyedLimit<Key> = <T>(key: Key, job: () => Promise<T>) => Promise<T>;

/** Allows `max` jobs of each key at a time; a key without jobs takes no room. */
export function keyedLimit<Key>(max: number): KeyedLimit<Key> {
  const limits = new Map<Key, LimitFunction>();
  return async (key, job) => {
    const limit = limits.get(key) ?? pLimit(max);
    limits.set(key, limit);
    try {
      return await limit(job);
    } finally {
      if (limit.activeCount === 0 && limit.pendingCount === 0) limits.delete(key);
    }
  };
}
