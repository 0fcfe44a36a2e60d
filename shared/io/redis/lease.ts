import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { defineScript } from "./connection.ts";

/** The right to do alone what only one process may do at a time, until it is released or expires. */
export interface Lease {
  /** Releases it at once, unless it has another holder by now. Never rejects: when releasing fails, the lease expires. */
  release(): Promise<void>;
}

/** KEYS 1 the lease. ARGV 1 its holder, 2 its life in ms. Returns OK, or false while it has another holder. */
const TAKE_SCRIPT = `#!lua flags=allow-oom
return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX')
`;

/** KEYS 1 the lease. ARGV 1 its holder. */
const RELEASE_SCRIPT = `#!lua flags=allow-oom
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
`;

/** Takes the lease under this key for `lifeMs`, so that one of a dead holder expires; undefined while it has another holder. */
export async function takeLease(redis: Redis, key: string, lifeMs: number): Promise<Lease | undefined> {
  const holder = randomUUID();
  const takeLeaseScript = defineScript(redis, "takeLease", TAKE_SCRIPT);
  const releaseLease = defineScript(redis, "releaseLease", RELEASE_SCRIPT);
  const release = async (): Promise<void> => {
    await releaseLease([key], [holder]).catch(() => undefined);
  };
  try {
    const taken = await takeLeaseScript([key], [holder, lifeMs]);
    return taken === null ? undefined : { release };
  } catch (error) {
    // It may have been taken although the answer was lost.
    void release();
    throw error;
  }
}
