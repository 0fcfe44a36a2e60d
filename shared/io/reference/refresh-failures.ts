import type { Redis } from "ioredis";
import { messageOf } from "../../error-message.ts";
import type { Keys } from "../../keys.ts";
import { excerpt } from "../../text.ts";
import { DatabaseError } from "../postgres/database.ts";

/**
 * What keeps the reference from being refreshed or used, shared in Redis: the process that answers for the health is often
 * another one. Publishing removes all of it.
 */
export interface RefreshFailures {
  /** Counts a refresh that could not read or save in Postgres; `why` is shown to everyone. */
  failed(why: string): Promise<void>;
  /** Postgres was read, though nothing was published. */
  recovered(): Promise<void>;
  /** The version that is current cannot be used as it is in Redis; `damage` is a clause after its name. */
  damaged(version: string, damage: string): Promise<void>;
  repaired(): Promise<void>;
}

export function refreshFailuresOn(redis: Redis, keys: Keys): RefreshFailures {
  const key = keys.referenceFailures;
  return {
    async failed(why) {
      await redis.hincrby(key, "count", 1);
      await redis.hset(key, "error", excerpt(why));
    },
    async recovered() {
      await redis.hdel(key, "count", "error");
    },
    async damaged(version, damage) {
      await redis.hset(key, "damaged", version, "damage", damage);
    },
    async repaired() {
      await redis.hdel(key, "damaged", "damage");
    },
  };
}

/** Why Postgres could not be read, without addresses and users: `/readyz` answers without a token. */
export function publicReason(error: unknown): string {
  if (!(error instanceof DatabaseError)) return messageOf(error);
  if (error.sqlstate === undefined) return "Postgres cannot be reached or did not answer in time";
  return error.sqlstate.startsWith("28") ? "Postgres refuses the user or the password" : error.message;
}
