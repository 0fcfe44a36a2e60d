import type { Redis } from "ioredis";
import type { Fields } from "../../entry.ts";
import { redisRefusalIn } from "../../redis-refusal.ts";
import { defineScript } from "../redis/connection.ts";

/**
 * Adds an entry to a stream, also when Redis has reached maxmemory, for what says what is going on, or ends what was begun. A
 * full Redis takes it as long as the stream is shorter than `lengthMax`. @throws what Redis answers when it refuses
 */
export async function addWhenFull(
  redis: Redis,
  key: string,
  { fields, lengthMax }: { readonly fields: Fields; readonly lengthMax: number },
): Promise<void> {
  const flat = Object.entries(fields).flat();
  try {
    await redis.xadd(key, "*", ...flat);
  } catch (error) {
    if (redisRefusalIn(error)?.code !== "OOM") throw error;
    const add = defineScript(redis, "addWhenFull", ADD_SCRIPT);
    if ((await add([key], [lengthMax, ...flat])) === null) throw error;
  }
}

/** KEYS 1 the stream. ARGV 1 length below which it takes the entry, 2… fields. Returns the entry's id, or false. */
const ADD_SCRIPT = `#!lua flags=allow-oom
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return false end
return redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2))
`;
