import type { Redis } from "ioredis";
import type { Fields } from "../../entry.ts";
import type { Keys } from "../../keys.ts";

/** Adds an event to `system_events`, given the fields of `eventFields`. Twice is harmless: the log's key is the event's id. */
export async function addEvent(redis: Redis, keys: Keys, fields: Fields): Promise<void> {
  await redis.xadd(keys.stream("system_events"), "*", ...Object.entries(fields).flat());
}
