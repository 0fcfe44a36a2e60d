import type { Redis } from "ioredis";
import type { Keys } from "../../keys.ts";

/** Which of these entries an invocation has committed already, so that its function is not called for them again. */
export async function committedAmong(
  redis: Redis,
  keys: Keys,
  invocation: string,
  ids: readonly string[],
): Promise<Set<string>> {
  const pipeline = redis.pipeline();
  for (const id of ids) pipeline.exists(keys.done(invocation, id));
  const committed = new Set<string>();
  for (const [i, [error, exists]] of ((await pipeline.exec()) ?? []).entries()) {
    if (error !== null) throw error;
    if (exists === 1) committed.add(ids[i] ?? "");
  }
  return committed;
}
