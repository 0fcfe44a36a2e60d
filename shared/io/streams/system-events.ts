import type { Redis } from "ioredis";
import type { Fields } from "../../entry.ts";
import type { Keys } from "../../keys.ts";

/** Adds an event to `system_events`, with the fields of `eventFields`. Doing so twice is harmless: its id is the log's key. */
export async function addEvent(redis: Redis, keys: Keys, fields: Fields): Promise<void> {
  await redis.xadd(keys.stream("system_events"), "*", ...Object.entries(fields).flat());
}
