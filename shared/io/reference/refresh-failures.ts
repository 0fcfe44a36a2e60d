import type { Redis } from "ioredis";
import { messageOf } from "../../error-message.ts";
import type { Keys } from "../../keys.ts";
import { isDataError } from "../../redis-refusal.ts";
import { cutText } from "../../text.ts";
import { DatabaseError } from "../postgres/database.ts";
import { defineScript } from "../redis/connection.ts";

/**
 * What keeps the reference from being refreshed or used, shared in Redis: the process that answers for the health is often
 * another one. Publishing removes all of it.
 */
export interface RefreshFailures {
  /** Counts a refresh that could not read or save in Postgres, or publish in Redis; `why` is shown to everyone. */
  failed(why: string): Promise<void>;
  /** Postgres was read, though nothing was published. */
  recovered(): Promise<void>;
  /** The version that is current cannot be used as it is in Redis; `damage` is a clause after its name. */
  damaged(version: string, damage: string): Promise<void>;
  repaired(): Promise<void>;
}

const WHY_BYTES_MAX = 1_000;

/** KEYS 1 the failures. ARGV 1 why. */
const FAILED_SCRIPT = `#!lua flags=allow-oom
redis.call('HINCRBY', KEYS[1], 'count', 1)
redis.call('HSET', KEYS[1], 'error', ARGV[1])
`;

/** KEYS 1 the failures. ARGV 1 version, 2 damage. */
const DAMAGED_SCRIPT = `#!lua flags=allow-oom
redis.call('HSET', KEYS[1], 'damaged', ARGV[1], 'damage', ARGV[2])
`;

export function refreshFailuresOn(redis: Redis, keys: Keys): RefreshFailures {
  const key = keys.referenceFailures;
  const addFailure = defineScript(redis, "addRefreshFailure", FAILED_SCRIPT);
  const setDamaged = defineScript(redis, "setReferenceDamaged", DAMAGED_SCRIPT);
  return {
    async failed(why) {
      await addFailure([key], [cutText(why, WHY_BYTES_MAX)]);
    },
    async recovered() {
      await redis.hdel(key, "count", "error");
    },
    async damaged(version, damage) {
      await setDamaged([key], [version, damage]);
    },
    async repaired() {
      await redis.hdel(key, "damaged", "damage");
    },
  };
}

/** Why the reference could not be refreshed, without addresses and users: `/readyz` answers without a token. */
export function publicReason(error: unknown): string {
  // Without the place in a script, which Redis adds.
  const [said = ""] = messageOf(error).split(" script: ", 1);
  if (isDataError(error)) return `a key of Redis cannot be used (${said}); another program has written to it`;
  if (!(error instanceof DatabaseError)) return messageOf(error);
  if (error.sqlstate === undefined) return "Postgres cannot be reached or did not answer in time";
  return error.sqlstate.startsWith("28") ? "Postgres refuses the user or the password" : error.message;
}
