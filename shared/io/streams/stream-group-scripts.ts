import { NOW_MS } from "../redis/now-script.ts";
import { IS_LIVING } from "./in-flight-heartbeats.ts";

/**
 * The scripts of stream-group.ts. Each is called with one page of entries, so that Redis is busy for less than 5 ms: touching one
 * entry takes it 10 to 15 µs.
 */

/**
 * KEYS 1 the stream. ARGV 1 group, 2 consumer, 3… entry ids. Returns the ids that are not pending for the consumer.
 * Without this check XCLAIM would take entries back from the consumers that claimed them; and XCLAIM of an entry that was
 * deleted or trimmed removes it from the pending list, so that its commit would lose the fence.
 */
export const EXTEND_SCRIPT = `#!lua flags=allow-oom
local stream, group, consumer = KEYS[1], ARGV[1], ARGV[2]
local lost = {}
for i = 3, #ARGV do
  local pending = redis.call('XPENDING', stream, group, ARGV[i], ARGV[i], 1, consumer)
  if #pending == 0 then
    lost[#lost + 1] = ARGV[i]
  elseif #redis.call('XRANGE', stream, ARGV[i], ARGV[i]) == 1 then
    redis.call('XCLAIM', stream, group, consumer, 0, ARGV[i], 'JUSTID')
  end
end
return lost
`;

/**
 * KEYS 1 the stream, 2 heartbeats. ARGV 1 group, 2 the consumer that asks, 3 its stream and group as the fields of heartbeats begin,
 * 4 least idle time in ms, 5 entries in all. Returns { most of one consumer, its pending entries, those of the next
 * one, … }, of every other consumer without a valid heartbeat. What living consumers have in flight costs nothing here: each
 * consumer has a list of its own.
 */
export const ABANDONED_SCRIPT = `#!lua flags=no-writes
${NOW_MS}
${IS_LIVING}
local stream, heartbeats = KEYS[1], KEYS[2]
local group, consumer, of, idle, count = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local now, silent = nowMs(), {}
for _, owner in ipairs(redis.call('XPENDING', stream, group)[4] or {}) do
  if owner[1] ~= consumer and #silent < count and not isLiving(heartbeats, of .. owner[1], now) then
    silent[#silent + 1] = owner[1]
  end
end
local each = math.floor(count / math.max(1, #silent))
local answer = { each }
for _, owner in ipairs(silent) do
  answer[#answer + 1] = redis.call('XPENDING', stream, group, 'IDLE', idle, '-', '+', each, owner)
end
return answer
`;

/**
 * KEYS 1 the stream, 2 heartbeats. ARGV 1 group, 2 consumer, 3 its stream and group as the fields of heartbeats begin, 4 least idle
 * time in ms, 5 and 6 lowest and highest time Redis' clock may show, 7 'unstarted': only entries with a delivery count of 0, else
 * '', 8… entry ids. Returns 'clock_set' | for each one that was claimed { id, deliveries, fields }; { id, deliveries } is pending, but
 * deleted or trimmed from the stream: XCLAIM would remove it from the pending list without saying so.
 */
export const CLAIM_SCRIPT = `#!lua flags=allow-oom
${NOW_MS}
${IS_LIVING}
local stream, heartbeats, group, consumer, of, idle = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local now, mayClaimFrom = nowMs(), { [consumer] = true }
if now < tonumber(ARGV[5]) or now > tonumber(ARGV[6]) then return 'clock_set' end
local claimed = {}
for i = 8, #ARGV do
  local id = ARGV[i]
  local pending = redis.call('XPENDING', stream, group, 'IDLE', idle, id, id, 1)[1]
  if pending and (ARGV[7] == '' or pending[4] == 0) then
    local owner = pending[2]
    if mayClaimFrom[owner] == nil then mayClaimFrom[owner] = not isLiving(heartbeats, of .. owner, now) end
    if mayClaimFrom[owner] then
      local entry = redis.call('XRANGE', stream, id, id)[1]
      if entry then redis.call('XCLAIM', stream, group, consumer, idle, id, 'JUSTID') end
      claimed[#claimed + 1] = { id, pending[4], entry and entry[2] }
    end
  end
end
return claimed
`;

/**
 * KEYS 1 the stream. ARGV 1 group, 2 consumer, 3… entry ids. Counts a delivery of each entry that is pending for the consumer;
 * returns those ids.
 */
export const COUNT_SCRIPT = `#!lua flags=allow-oom
local stream, group, consumer = KEYS[1], ARGV[1], ARGV[2]
local held = {}
for i = 3, #ARGV do
  local id = ARGV[i]
  local pending = redis.call('XPENDING', stream, group, id, id, 1, consumer)[1]
  if pending then
    held[#held + 1] = id
    if #redis.call('XRANGE', stream, id, id) == 1 then
      redis.call('XCLAIM', stream, group, consumer, 0, id, 'RETRYCOUNT', pending[4] + 1, 'JUSTID')
    end
  end
end
return held
`;

/** KEYS 1 the stream. ARGV 1 group, 2 consumer, then entry id, deliveries, … Sets the count of each entry that is the consumer's. */
export const SET_COUNTS_SCRIPT = `#!lua flags=allow-oom
local stream, group, consumer = KEYS[1], ARGV[1], ARGV[2]
for i = 3, #ARGV, 2 do
  local id = ARGV[i]
  local own = #redis.call('XPENDING', stream, group, id, id, 1, consumer) == 1
  if own and #redis.call('XRANGE', stream, id, id) == 1 then
    redis.call('XCLAIM', stream, group, consumer, 0, id, 'RETRYCOUNT', ARGV[i + 1], 'JUSTID')
  end
end
`;

/**
 * KEYS 1 the stream. ARGV 1 group, 2 consumer, 3 idle time to set, in ms, 4 entries at most, 5 id to begin at. Sets the idle time of
 * what is pending for the consumer. Returns the id to go on at, '' when that was all.
 */
export const RELEASE_SCRIPT = `#!lua flags=allow-oom
local stream, group, consumer, idle, count = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local page = redis.call('XPENDING', stream, group, ARGV[5], '+', count, consumer)
for _, pending in ipairs(page) do
  local id, deliveries = pending[1], pending[4]
  if #redis.call('XRANGE', stream, id, id) == 1 then
    redis.call('XCLAIM', stream, group, consumer, 0, id, 'IDLE', idle, 'RETRYCOUNT', deliveries, 'JUSTID')
  end
end
return #page == count and '(' .. page[#page][1] or ''
`;
