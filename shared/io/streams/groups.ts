import type { Redis } from "ioredis";
import type { GroupName, Keys, StreamName } from "../../keys.ts";
import { defineScript } from "../redis/connection.ts";

/**
 * What was found, or done about it. `lost`: the group existed once, is gone, and its stream is still there. Where to
 * go on is a decision about money – from the start could trade old signals again, from the end could miss some – so
 * it is left to a person.
 */
export type GroupState =
  | { readonly state: "exists" | "created" | "lost" }
  /** Created at the end of a stream that already holds this many entries. */
  | { readonly state: "created_at_end"; readonly skipped: number };

/** Where a new group starts; `end_again`: also one that was there before, which is never lost. */
const STARTS: Readonly<Record<GroupName, "start" | "end" | "end_again">> = {
  signal_processor: "start",
  strategy_executor: "end",
  log_writer: "start",
  notifier: "end_again",
};

/**
 * KEYS 1 the stream, 2 the groups hash. ARGV 1 group, 2 mark, 3 start | end | end_again. Returns exists | created |
 * created_at_end:<entries> | lost. One script, so that two processes starting at once cannot take each other's new
 * group for a lost one.
 */
const ENSURE_SCRIPT = `#!lua
local stream, groups, group, mark, starts = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3]
local found = redis.call('EXISTS', stream) == 1
if found then
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    for f = 1, #info, 2 do
      if info[f] == 'name' and info[f + 1] == group then
        redis.call('HSETNX', groups, mark, redis.call('TIME')[1])
        return 'exists'
      end
    end
  end
  if starts ~= 'end_again' and redis.call('HEXISTS', groups, mark) == 1 then return 'lost' end
end
local length = found and redis.call('XLEN', stream) or 0
redis.call('XGROUP', 'CREATE', stream, group, starts == 'start' and '0' or '$', 'MKSTREAM')
redis.call('HSET', groups, mark, redis.call('TIME')[1])
if starts == 'end' and length > 0 then return 'created_at_end:' .. length end
return 'created'
`;

/**
 * Makes sure the group exists: a new one starts at the beginning, so that nothing published before the first start is
 * skipped; `strategy_executor`, switched on over a stream that already holds tasks, at its end; `notifier` always at the
 * end, since nobody wants to be told of the past.
 */
export async function ensureGroup(
  redis: Redis,
  keys: Keys,
  stream: StreamName,
  group: GroupName,
): Promise<GroupState> {
  const ensure = defineScript(redis, "ensureGroup", ENSURE_SCRIPT);
  const args = [group, markOf(stream, group), STARTS[group]];
  const reply = String(await ensure([keys.stream(stream), keys.groups], args));
  const [state = "", entries] = reply.split(":");
  switch (state) {
    case "exists":
    case "created":
    case "lost":
      return { state };
    case "created_at_end":
      return { state, skipped: Number(entries) };
    default:
      throw new Error(`group script answered ${reply}`);
  }
}

/** Makes a lost group again where a person said: from `0` (everything), `$` (only what comes), or after an entry id. */
export async function createGroup(
  redis: Redis,
  keys: Keys,
  { stream, group, from }: { stream: StreamName; group: GroupName; from: string },
): Promise<void> {
  await redis.xgroup("CREATE", keys.stream(stream), group, from, "MKSTREAM");
  await redis.hset(keys.groups, markOf(stream, group), Math.floor(Date.now() / 1000));
}

/** Field of a group in the `groups` hash. */
export function markOf(stream: StreamName, group: GroupName): string {
  return `${stream}:${group}`;
}
