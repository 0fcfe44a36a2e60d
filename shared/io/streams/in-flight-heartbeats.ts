import type { Redis } from "ioredis";
import type { Keys } from "../../keys.ts";
import { defineScript } from "../redis/connection.ts";
import { NOW_MS } from "../redis/now-script.ts";
import type { GroupOptions } from "./pending-entries.ts";

/** The heartbeat by which one consumer vouches for the entries it has in flight, however many they are. */
export interface InFlightHeartbeat {
  /**
   * Valid for `validMs` by Redis' clock. True when the group may have a consumer that has no such heartbeat, as an older router or
   * another service: it looks at idle times alone, so the entries have to be extended as well.
   */
  beat(validMs: number): Promise<boolean>;
  /** Ends it: others may claim at once what stays pending and is idle. `left`: the group no longer has the consumer. */
  end(options: { readonly left: boolean }): Promise<void>;
}

/**
 * `isLiving(heartbeats, field, now)`: whether the consumer has a heartbeat that is valid. One further ahead than twice its validity is
 * from before Redis' clock was set back.
 */
export const IS_LIVING = `
local function isLiving(heartbeats, field, now)
  local text = redis.call('HGET', heartbeats, field)
  local validUntil, validMs = string.match(text or '', '^(%d+) (%d+)$')
  if not validUntil then return false end
  local left = tonumber(validUntil) - now
  return left > 0 and left <= 2 * tonumber(validMs)
end
`;

/** A consumer without a trace for so long is gone, in ms: as long as maintenance keeps the heartbeat of a killed loop. */
const SEEN_MS_MAX = 3_600_000;

/**
 * KEYS 1 the stream, 2 heartbeats, 3 loops. ARGV 1 group, 2 consumer, 3 its stream and group as fields begin, 4 validity in ms.
 * Returns 1 when there may be a consumer without such heartbeats: one of the group, or a loop of any group, since an older router's
 * first sign of life may be that of another of its loops. Before 7.2 XINFO does not show reads that return nothing.
 */
const BEAT_SCRIPT = `#!lua flags=allow-oom
${NOW_MS}
local stream, heartbeats, loops = KEYS[1], KEYS[2], KEYS[3]
local group, consumer, of, validMs = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local now = nowMs()
redis.call('HSET', heartbeats, of .. consumer, string.format('%.0f %s', now + validMs, validMs))
local function hasNone(field) return redis.call('HEXISTS', heartbeats, field) == 0 end
local beats = redis.call('HGETALL', loops)
for i = 1, #beats, 2 do
  local at = tonumber(string.match(beats[i + 1], '^%d+') or 0)
  if math.abs(now - at) < ${SEEN_MS_MAX} and hasNone(beats[i]) then return 1 end
end
local consumers = redis.pcall('XINFO', 'CONSUMERS', stream, group)
if consumers['err'] then return 0 end
for _, flat in ipairs(consumers) do
  local info = {}
  for f = 1, #flat, 2 do info[flat[f]] = flat[f + 1] end
  if info['idle'] < ${SEEN_MS_MAX} and hasNone(of .. info['name']) then return 1 end
end
return 0
`;

/** KEYS 1 heartbeats. ARGV 1 field. What stays is not valid, and shows that the consumer is no older router's. */
const END_SCRIPT = `#!lua flags=allow-oom
${NOW_MS}
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f 0', nowMs()))
`;

export function inFlightHeartbeatOn(
  redis: Redis,
  keys: Keys,
  { stream, group, consumer }: GroupOptions,
): InFlightHeartbeat {
  const beatInFlight = defineScript(redis, "beatInFlight", BEAT_SCRIPT);
  const endInFlight = defineScript(redis, "endInFlight", END_SCRIPT);
  const of = fieldsOfGroup({ stream, group });
  return {
    async beat(validMs) {
      const where = [keys.stream(stream), keys.heartbeats, keys.loops];
      return (await beatInFlight(where, [keys.group(group), consumer, of, Math.ceil(validMs)])) === 1;
    },
    async end({ left }) {
      if (left) await redis.hdel(keys.heartbeats, of + consumer);
      else await endInFlight([keys.heartbeats], [of + consumer]);
    },
  };
}

/** How the fields of a group's consumers begin, in `heartbeats` as in `loops`. */
export function fieldsOfGroup({
  stream,
  group,
}: {
  readonly stream: string;
  readonly group: string;
}): string {
  return `${stream} ${group} `;
}

/** For how long a consumer's heartbeat has not been renewed, in ms; undefined when it has none that is valid. */
export async function sinceHeartbeat(
  redis: Redis,
  keys: Keys,
  { field, now }: { readonly field: string; readonly now: number },
): Promise<number | undefined> {
  const heartbeat = await redis.hget(keys.heartbeats, field);
  const { validUntil, validMs } = parse(heartbeat);
  return isHeartbeatValid(heartbeat, now) ? Math.max(0, validMs - (validUntil - now)) : undefined;
}

/** Whether this is a heartbeat that is valid at this time, as {@link IS_LIVING} says. */
export function isHeartbeatValid(heartbeat: string | null, now: number): boolean {
  const { validUntil, validMs } = parse(heartbeat);
  const left = validUntil - now;
  return left > 0 && left <= 2 * validMs;
}

/**
 * Removes the heartbeats of consumers that ended long ago. Those in `kept`, as `stream group consumer`, stay: they tell a router's
 * consumer that left entries pending from one of another program. `now` is Redis' clock, milliseconds since 1970.
 */
export async function removeOldHeartbeats(
  redis: Redis,
  keys: Keys,
  { now, kept }: { readonly now: number; readonly kept: ReadonlySet<string> },
): Promise<void> {
  for (const [field, text] of Object.entries(await redis.hgetall(keys.heartbeats))) {
    // One that is far ahead is from before Redis' clock was set back.
    const { validUntil, validMs } = parse(text);
    if (Math.abs(now - validUntil) > SEEN_MS_MAX + validMs && !kept.has(field))
      await redis.hdel(keys.heartbeats, field);
  }
}

function parse(text: string | null): { readonly validUntil: number; readonly validMs: number } {
  const [validUntil = "0", validMs = "0"] = (text ?? "").split(" ");
  return { validUntil: Number(validUntil), validMs: Number(validMs) };
}
