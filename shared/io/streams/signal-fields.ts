import type { Redis } from "ioredis";
import type { Fields } from "../../entry.ts";
import type { Keys } from "../../keys.ts";
import { entryOf } from "./read-entries.ts";

/** The fields of an entry of `signals_stream`; undefined when it is no longer there. */
export async function signalFieldsOf(redis: Redis, keys: Keys, entryId: string): Promise<Fields | undefined> {
  const [found] = await redis.xrange(keys.stream("signals_stream"), entryId, entryId);
  return found && entryOf(found).fields;
}
