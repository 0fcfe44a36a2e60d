import type { Redis } from "ioredis";
import type { Keys } from "../../keys.ts";
import type { RedisRefusal } from "../../redis-refusal.ts";
import { readRedisMemory, readWriteRefusals, type RedisMemory } from "../redis/server-facts.ts";

/** Reads whether the server takes writes, and how full it is. Changes nothing. */
export async function readServerStatus(redis: Redis, keys: Keys): Promise<ServerStatus> {
  const [refusals, memory] = await Promise.all([
    readWriteRefusals(redis, keys.stream("signals_stream")),
    readRedisMemory(redis),
  ]);
  return { refusals, memory };
}

export interface ServerStatus {
  /** Why it refuses writes; empty when it takes them. */
  readonly refusals: readonly RedisRefusal[];
  readonly memory: RedisMemory;
}
