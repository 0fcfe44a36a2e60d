import type { Redis } from "ioredis";
import { defineScript } from "./connection.ts";

/** KEYS 1 the hash. ARGV 1 field, 2 amount. */
const RAISE_SCRIPT = `#!lua flags=allow-oom
return redis.call('HINCRBY', KEYS[1], ARGV[1], ARGV[2])
`;

/** Gives a function that raises a counter in a hash, also when Redis is full. */
export function counterRaiserOn(redis: Redis): (key: string, field: string, by: number) => Promise<void> {
  const raise = defineScript(redis, "raiseCounter", RAISE_SCRIPT);
  return async (key, field, by) => {
    await raise([key], [field, by]);
  };
}
