import type { Redis } from "ioredis";
import type { Keys } from "../../keys.ts";

/** Who holds these uids now, by uid: the entry that was dispatched, or `unknown` where somebody else wrote to the key. */
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
    // As the commit script has it for a key that is no string.
    if (holder !== null) holders.set(uids[i] ?? "", typeof holder === "string" ? holder : "unknown");
  }
  return holders;
}
