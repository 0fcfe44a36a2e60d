import { LEASE_MS_MAX } from "../../group-lease.ts";
import { NOW_MS } from "../redis/now-script.ts";

/** The scripts of group-leases.ts. A full Redis runs them all: a lease that cannot be renewed would stop the router. */

/** `refused(key, reply)`: what Redis says about a key that is no hash, with what is there instead. It is asked for in that case only. */
const REFUSED = `
local function refused(key, reply)
  local kind = redis.call('TYPE', key)['ok']
  if kind == 'hash' then return reply end
  return redis.error_reply('WRONGTYPE ' .. key .. ' is a ' .. kind .. ', where the router keeps a hash')
end
`;

/**
 * KEYS 1… leases. Returns { Redis' time, for each one { token, runner, functions, since, until, valid_ms } with nils for what is not
 * there, or the text of the error }.
 */
export const LOOK_SCRIPT = `#!lua flags=no-writes
${NOW_MS}
local answer = { nowMs() }
for i, lease in ipairs(KEYS) do
  local found = redis.pcall('HMGET', lease, 'token', 'runner', 'functions', 'since', 'until', 'valid_ms')
  answer[i + 1] = found['err'] or found
end
return answer
`;

/**
 * KEYS 1 the lease. ARGV 1 token, 2 runner, 3 its functions, 4 LEASE_MS, then of the expired lease that the runner has seen
 * 5 its token, 6 until, 7 when it saw it. Returns Redis' time when it was taken, else 0: it has a holder, or was renewed since then.
 */
export const TAKE_SCRIPT = `#!lua flags=allow-oom
${NOW_MS}
${REFUSED}
local function wholeOr(otherwise, text)
  return tonumber(string.match(text or '', '^%d+$') or otherwise)
end
local lease, token, runner, functions, validMs = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local last = redis.pcall('HMGET', lease, 'token', 'until', 'valid_ms')
if last['err'] then return refused(lease, last) end
local now = nowMs()
if last[1] then
  local untilMs, lastValidMs = wholeOr(0, last[2]), wholeOr(0, last[3])
  if lastValidMs == 0 or lastValidMs > ${LEASE_MS_MAX} then lastValidMs = tonumber(validMs) end
  if untilMs > now and untilMs <= now + 2 * lastValidMs then return 0 end
  if last[1] ~= ARGV[5] or untilMs ~= tonumber(ARGV[6]) or now - ARGV[7] < lastValidMs / 3 then return 0 end
end
redis.call('DEL', lease)
redis.call('HSET', lease, 'token', token, 'runner', runner, 'functions', functions,
  'since', string.format('%.0f', now), 'until', string.format('%.0f', now + validMs), 'valid_ms', validMs)
return now
`;

/** KEYS 1 the lease. ARGV 1 token, 2 LEASE_MS. Returns 1, or 0 when it has another holder or was taken away. */
export const RENEW_SCRIPT = `#!lua flags=allow-oom
${NOW_MS}
${REFUSED}
local lease, token, validMs = KEYS[1], ARGV[1], ARGV[2]
local holder = redis.pcall('HGET', lease, 'token')
if type(holder) == 'table' then return refused(lease, holder) end
if holder ~= token then return 0 end
redis.call('HSET', lease, 'until', string.format('%.0f', nowMs() + validMs), 'valid_ms', validMs)
return 1
`;

/** KEYS 1 the lease. ARGV 1 token. Returns 1, or 0 when it has another holder. */
export const RELEASE_SCRIPT = `#!lua flags=allow-oom
${REFUSED}
local holder = redis.pcall('HGET', KEYS[1], 'token')
if type(holder) == 'table' then return refused(KEYS[1], holder) end
if holder ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`;

/**
 * KEYS 1 routers. ARGV 1 consumer, 2 JSON of what it is, without the closing brace, 3 since when, '' at its first beat. Returns
 * Redis' time.
 */
export const BEAT_SCRIPT = `#!lua flags=allow-oom
${NOW_MS}
${REFUSED}
local now = nowMs()
local times = string.format(',"since":%.0f,"at":%.0f}', tonumber(ARGV[3]) or now, now)
local written = redis.pcall('HSET', KEYS[1], ARGV[1], ARGV[2] .. times)
if type(written) == 'table' then return refused(KEYS[1], written) end
return now
`;
