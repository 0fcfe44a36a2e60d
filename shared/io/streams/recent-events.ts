import type { Redis } from "ioredis";
import type { Keys } from "../../keys.ts";
import { logRowsOf, type EventRow } from "../../log-rows.ts";
import { entryOf } from "./read-entries.ts";

/** Entries that one reading looks at. */
const READ_MAX = 500;

/** The newest events in `system_events`, also those that are not in `system_log` yet; in the order of the stream, newest first. */
export async function recentEvents(redis: Redis, keys: Keys): Promise<EventRow[]> {
  const entries = await redis.xrevrange(keys.stream("system_events"), "+", "-", "COUNT", READ_MAX);
  return entries.flatMap((raw) => {
    const parsed = logRowsOf(entryOf(raw), "system_events");
    return parsed.ok ? parsed.rows.events : [];
  });
}
