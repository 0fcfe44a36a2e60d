import type { Redis } from "ioredis";
import type { Keys } from "../../keys.ts";
import { defineScript } from "../redis/connection.ts";
import { NOW_MS } from "../redis/now-script.ts";
import { IS_LIVING } from "./in-flight-heartbeats.ts";

/**
 * Stores beside the groups whether the routers that read them are a shadow (SHADOW), unless routers that live say otherwise: then
 * it answers their names and changes nothing.
 */
export async function claimMode(
  redis: Redis,
  keys: Keys,
  { shadow, consumer, silentMsMax, unknownIs }: ModeClaim,
): Promise<readonly string[]> {
  const claim = defineScript(redis, "claimMode", CLAIM_SCRIPT);
  const args = [String(shadow), silentMsMax, consumer, String(unknownIs)];
  return (await claim([keys.groups, keys.loops, keys.heartbeats], args)) as string[];
}

export interface ModeClaim {
  readonly shadow: boolean;
  /** Name of the process that asks, if it has loops. */
  readonly consumer: string;
  /** A loop that is silent for longer has stopped, in ms. */
  readonly silentMsMax: number;
  /** What routers are while nothing is stored: those of versions before it was trade. */
  readonly unknownIs: boolean;
}

/** Whether the routers of these groups are a shadow. */
export async function readShadow(redis: Redis, keys: Keys): Promise<boolean> {
  return (await redis.hget(keys.groups, FIELD)) === "true";
}

const FIELD = "shadow";

/**
 * KEYS 1 groups, 2 loops, 3 heartbeats. ARGV 1 true | false, 2 a loop silent for longer than this has stopped, in ms; one that a
 * scheduler calls after three missed calls, an hour at most, 3 the consumer that asks, or '', 4 what counts while nothing is stored.
 * Returns the other consumers that live, if theirs is the other mode.
 */
const CLAIM_SCRIPT = `#!lua flags=allow-oom
${NOW_MS}${IS_LIVING}
local groups, loops, heartbeats, mode, silent, own = KEYS[1], KEYS[2], KEYS[3], ARGV[1], tonumber(ARGV[2]), ARGV[3]
local stored = redis.call('HGET', groups, '${FIELD}')
if stored == mode then return {} end
local found, names, now = {}, {}, nowMs()
local function add(field)
  local name = string.match(field, '^%S+ %S+ (%S+)$')
  if name and name ~= own and not found[name] then
    found[name] = true
    names[#names + 1] = name
  end
end
if mode ~= (stored or ARGV[4]) then
  local beats = redis.call('HGETALL', loops)
  for i = 1, #beats, 2 do
    local at, every = string.match(beats[i + 1], '^(%d+):?(%d*)$')
    local longest = math.max(silent, math.min(3600000, 3 * (tonumber(every) or 0)))
    if at and math.abs(now - tonumber(at)) <= longest then add(beats[i]) end
  end
  for _, field in ipairs(redis.call('HKEYS', heartbeats)) do
    if isLiving(heartbeats, field, now) then add(field) end
  end
end
if #names == 0 then redis.call('HSET', groups, '${FIELD}', mode) end
return names
`;
