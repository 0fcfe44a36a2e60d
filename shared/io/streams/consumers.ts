import type { Redis } from "ioredis";
import type { GroupName, Keys, StreamName } from "../../keys.ts";
import { defineScript, type Script } from "../redis/connection.ts";
import { readableOr } from "./unreadable-streams.ts";

/**
 * Removes consumers that have nothing pending from a group. XGROUP DELCONSUMER would drop what is pending, hence the check in
 * the same script. Redis creates a consumer that is still reading again with its next delivery.
 *
 * KEYS  1 the stream
 * ARGV  1 group · 2 idle for more than this, in ms · 3 optional: only the consumer of this name
 * Returns the names of those removed; none when the stream or the group does not exist
 */
const REMOVE_SCRIPT = `#!lua flags=allow-oom
local stream, group, idleMs, only = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3]
local consumers = redis.pcall('XINFO', 'CONSUMERS', stream, group)
if consumers['err'] then
  if string.find(consumers['err'], 'NOGROUP') or string.find(consumers['err'], 'no such key') then return {} end
  return consumers
end
local removed = {}
for _, flat in ipairs(consumers) do
  local info = {}
  for f = 1, #flat, 2 do info[flat[f]] = flat[f + 1] end
  if info['pending'] == 0 and info['idle'] > idleMs and (not only or info['name'] == only) then
    redis.call('XGROUP', 'DELCONSUMER', stream, group, info['name'])
    removed[#removed + 1] = info['name']
  end
end
return removed
`;

interface GroupOf {
  readonly stream: StreamName;
  readonly group: GroupName;
}

/** Removes consumers that have been idle for more than `idleMs` and have nothing pending; returns their names. */
export async function pruneConsumers(
  redis: Redis,
  keys: Keys,
  { stream, group, idleMs }: GroupOf & { readonly idleMs: number },
): Promise<string[]> {
  const removed = removeScript(redis)([keys.stream(stream)], [keys.group(group), idleMs]);
  return readableOr(removed as Promise<string[]>, { keys, stream, otherwise: [] });
}

/** Removes a consumer that stops from its group; false, and it stays, when something is pending for it. */
export async function leaveGroup(
  redis: Redis,
  keys: Keys,
  { stream, group, consumer }: GroupOf & { readonly consumer: string },
): Promise<boolean> {
  const removed = await removeScript(redis)([keys.stream(stream)], [keys.group(group), -1, consumer]);
  return (removed as string[]).length === 1;
}

function removeScript(redis: Redis): Script {
  return defineScript(redis, "removeConsumers", REMOVE_SCRIPT);
}
