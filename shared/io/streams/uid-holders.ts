import type { Redis } from "ioredis";
import type { Keys } from "../../keys.ts";

/** The entries that hold these uids now, by uid; `unknown` where the key holds no string, so it is not the router's. */
export async function holdersOf(
  redis: Redis,
  keys: Keys,
  uids: readonly string[],
): Promise<Map<string, string>> {
  const holders = new Map<string, string>();
  if (uids.length === 0) return holders;
  const pipeline = redis.pipeline();
  for (const uid of uids) pipeline.get(keys.dedup(uid));
  for (const [i, [error, holder]] of ((await pipeline.exec()) ?? []).entries()) {
    if (error !== null && !error.message.startsWith("WRONGTYPE")) throw error;
    // The commit script gives the same answer.
    if (holder !== null) holders.set(uids[i] ?? "", typeof holder === "string" ? holder : "unknown");
  }
  return holders;
}
