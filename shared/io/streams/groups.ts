import type { Redis } from "ioredis";
import type { GroupName, Keys, StreamName } from "../../keys.ts";
import { defineScript } from "../redis/connection.ts";

/**
 * Creates the router's consumer groups. `lost`: the group existed once, but no longer does, while its stream still does. Where
 * it restarts is left to a person: from the start it could trade old signals again, from the end it could miss some.
 */
export type GroupState =
  | { readonly state: "exists" | "created" | "lost" }
  /** Created at the end of a stream that already holds this many entries. */
  | { readonly state: "created_at_end"; readonly skipped: number };

/** Where a new group starts. `end_again`: at the end, also when it existed before, so it is never lost. */
const STARTS: Readonly<Record<GroupName, "start" | "end" | "end_again">> = {
  signal_processor: "start",
  strategy_executor: "end",
  log_writer: "start",
  notifier: "end_again",
  outcome_collector: "end",
};

/**
 * KEYS 1 the stream, 2 the groups hash. ARGV 1 group, 2 its field in the groups hash, 3 start | end | end_again. Returns
 * exists | created | created_at_end:<entries> | lost. One script, so that of two processes that start at the same time neither
 * takes the new group of the other for a lost one.
 */
const ENSURE_SCRIPT = `#!lua flags=allow-oom
local stream, groups, group, field, starts = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3]
local found = redis.call('EXISTS', stream) == 1
if found then
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    for f = 1, #info, 2 do
      if info[f] == 'name' and info[f + 1] == group then
        redis.call('HSETNX', groups, field, redis.call('TIME')[1])
        return 'exists'
      end
    end
  end
  if starts ~= 'end_again' and redis.call('HEXISTS', groups, field) == 1 then return 'lost' end
end
local length = found and redis.call('XLEN', stream) or 0
redis.call('XGROUP', 'CREATE', stream, group, starts == 'start' and '0' or '$', 'MKSTREAM')
redis.call('HSET', groups, field, redis.call('TIME')[1])
if starts == 'end' then return 'created_at_end:' .. length end
return 'created'
`;

/**
 * KEYS 1 the stream, 2 the groups hash. ARGV 1 group, 2 its field in the groups hash, 3 where it starts, 4 `again` if it may be
 * there and is to start there again.
 */
const CREATE_SCRIPT = `#!lua flags=allow-oom
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], ARGV[3], 'MKSTREAM')
if made.err and ARGV[4] == 'again' and string.find(made.err, 'BUSYGROUP', 1, true) == 1 then
  made = redis.pcall('XGROUP', 'SETID', KEYS[1], ARGV[1], ARGV[3])
end
if made.err then return made end
redis.call('HSET', KEYS[2], ARGV[2], redis.call('TIME')[1])
`;

/**
 * Makes sure the group exists. A new one starts at the beginning, so that nothing published before the first start is skipped;
 * `strategy_executor` and `outcome_collector` at the end of what is already there, and `notifier` always at the end. With
 * GROUP_SUFFIX the group of signals starts at their end: another router decides what is there.
 */
export async function ensureGroup(
  redis: Redis,
  keys: Keys,
  stream: StreamName,
  group: GroupName,
): Promise<GroupState> {
  const ensure = defineScript(redis, "ensureGroup", ENSURE_SCRIPT);
  const isShared = stream === "signals_stream" && keys.suffix !== "";
  const args = [keys.group(group), groupField(stream, group), isShared ? "end" : STARTS[group]];
  const reply = String(await ensure([keys.stream(stream), keys.groups], args));
  const [state = "", entries] = reply.split(":");
  switch (state) {
    case "exists":
    case "created":
    case "lost":
      return { state };
    case "created_at_end":
      return Number(entries) > 0 || isShared ? { state, skipped: Number(entries) } : { state: "created" };
    default:
      throw new Error(`group script answered ${reply}`);
  }
}

/**
 * Creates a lost group again where a person chose: from `0` (everything), `$` (only new entries), or after an entry id. The group
 * of an outcome stream may be there: a report that is read again is the same row.
 */
export async function createGroup(
  redis: Redis,
  keys: Keys,
  { stream, group, from }: { stream: StreamName; group: GroupName; from: string },
): Promise<void> {
  const create = defineScript(redis, "createGroup", CREATE_SCRIPT);
  await create(
    [keys.stream(stream), keys.groups],
    [keys.group(group), groupField(stream, group), from, group === "outcome_collector" ? "again" : ""],
  );
}

/**
 * KEYS 1 the stream, 2 the groups hash. ARGV 1 group, 2 its field in the groups hash.
 * Returns the number of entries that are pending, and removes nothing if there are any; else -1.
 */
const REMOVE_SCRIPT = `#!lua flags=allow-oom
local pending = redis.pcall('XPENDING', KEYS[1], ARGV[1])
if pending.err then
  if string.find(pending.err, 'NOGROUP', 1, true) ~= 1 then return pending end
elseif pending[1] > 0 then
  return pending[1]
else
  redis.call('XGROUP', 'DESTROY', KEYS[1], ARGV[1])
end
redis.call('HDEL', KEYS[2], ARGV[2])
return -1
`;

/**
 * Removes a group and forgets that it was there, so that nothing is kept for it any longer. Entries that are pending prevent it:
 * then it returns how many; else 0.
 */
export async function removeGroup(
  redis: Redis,
  keys: Keys,
  { stream, group }: { stream: StreamName; group: GroupName },
): Promise<number> {
  const remove = defineScript(redis, "removeGroup", REMOVE_SCRIPT);
  const args = [keys.group(group), groupField(stream, group)];
  return Math.max(0, Number(await remove([keys.stream(stream), keys.groups], args)));
}

/** Field of a group in the `groups` hash. */
export function groupField(stream: StreamName, group: GroupName): string {
  return `${stream}:${group}`;
}
