import type { Redis } from "ioredis";
import type { Fields } from "../../entry.ts";
import type { Keys } from "../../keys.ts";
import { addWhenFull } from "./add-when-full.ts";

/** A Redis that has reached maxmemory keeps so many events; further ones wait in their process. */
const LENGTH_MAX = 10_000;

/** Adds an event to `system_events`, given the fields of `eventFields`. Twice is harmless: the log's key is the event's id. */
export async function addEvent(redis: Redis, keys: Keys, fields: Fields): Promise<void> {
  await addWhenFull(redis, keys.stream("system_events"), { fields, lengthMax: LENGTH_MAX });
}
