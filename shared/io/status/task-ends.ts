import type { Redis } from "ioredis";
import {
  ENDS_AGE_MS_MAX,
  ENDS_KEPT_MAX,
  taskEndsIn,
  taskEndText,
  type TaskEnd,
} from "../../health/task-ends.ts";
import type { Keys } from "../../keys.ts";
import { defineScript } from "../redis/connection.ts";

/** Stores how the tasks of strategies ended, for all processes and over restarts. */

/** Ends by strategy, each list oldest first. */
export type EndsByStrategy = ReadonlyMap<number, readonly TaskEnd[]>;

/**
 * KEYS 1 the ends. ARGV 1 ends to keep, 2 time to keep them in ms, 3… pairs: strategy, ends. Adds ends to those of the strategy and
 * keeps the latest. Successes alone are not kept, so that a healthy strategy costs no write.
 */
const ADD_SCRIPT = `#!lua flags=allow-oom
local ends, count, ms = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local written = false
for i = 3, #ARGV, 2 do
  local strategy, added = ARGV[i], ARGV[i + 1]
  local known = redis.call('HGET', ends, strategy)
  if known or string.find(added, ':f', 1, true) then
    local all = {}
    for one in string.gmatch((known or '') .. ' ' .. added, '%S+') do all[#all + 1] = one end
    local kept = table.concat(all, ' ', math.max(1, #all - count + 1))
    if string.find(kept, ':f', 1, true) then
      redis.call('HSET', ends, strategy, kept)
      written = true
    elseif known then
      redis.call('HDEL', ends, strategy)
    end
  end
end
if written then redis.call('PEXPIRE', ends, ms) end
`;

/** Adds ends to those that are kept. */
export function taskEndAdder(redis: Redis, keys: Keys): (ends: EndsByStrategy) => Promise<void> {
  const script = defineScript(redis, "addTaskEnds", ADD_SCRIPT);
  return async (ends) => {
    if (ends.size === 0) return;
    const pairs = [...ends].flatMap(([id, list]) => [id, list.map(taskEndText).join(" ")]);
    await script([keys.taskEnds], [ENDS_KEPT_MAX, ENDS_AGE_MS_MAX, ...pairs]);
  };
}

/** The ends kept of each strategy. */
export async function readTaskEnds(redis: Redis, keys: Keys): Promise<EndsByStrategy> {
  const fields = Object.entries(await redis.hgetall(keys.taskEnds));
  return new Map(fields.map(([id, text]) => [Number(id), taskEndsIn(text)]));
}
