import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { defineScript } from "./connection.ts";

/** What only one may do at a time is this one's, until it is released or its time is up. */
export interface Lease {
  /** Lets others have it at once, unless it is another's by now. Never rejects: when it does not work, the time will be up. */
  release(): Promise<void>;
}

/** KEYS 1 the lease. ARGV 1 whose it is. */
const RELEASE_SCRIPT = `#!lua
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
`;

/** Takes the lease under this key for `lifeMs`, after which a holder that has died stands in nobody's way; undefined while another has it. */
export async function takeLease(redis: Redis, key: string, lifeMs: number): Promise<Lease | undefined> {
  const holder = randomUUID();
  const releaseLease = defineScript(redis, "releaseLease", RELEASE_SCRIPT);
  const release = async (): Promise<void> => {
    await releaseLease([key], [holder]).catch(() => undefined);
  };
  try {
    const taken = await redis.set(key, holder, "PX", lifeMs, "NX");
    return taken === null ? undefined : { release };
  } catch (error) {
    // It may have been taken, and only the answer be lost.
    void release();
    throw error;
  }
}
