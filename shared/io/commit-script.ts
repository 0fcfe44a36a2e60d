import { HOLDER } from "../function.ts";
import { PROCESSING_MS_BOUNDS } from "../metrics.ts";

/**
 * The commit: fences, claims, appends and counts in one atomic step. Lua does not roll back, so everything
 * that could fail is checked before the first write.
 *
 * KEYS  1 metrics · 2 reference:current · 3 control · 4 the stream the fence is on · 5 … 4+T the target streams ·
 *       then, as the entries name them by index, `dedup:<uid>` and `done:<invocation>:<entry id>`
 * ARGV  1 fence: group | dead_letter | once
 *       2 group (fence group)
 *       3 snapshot version, 4 control epoch the entries were decided on ('' as version: not checked)
 *       5 Redis' time in ms until which the decisions hold ('' = for ever)
 *       6 life of a uid claim, 7 of a once fence, in ms
 *       8 prefix of the processing-time fields ('' = not measured)
 *       9 number of target streams T
 *       10 number of counter names C, then C names
 *       then the number of entries and, for each:
 *         id · fence (index of the done key, or the dead letter's id, or '') · index of the dedup key (0 = no claim) ·
 *         branch · branch if the claim is lost (only with a claim)
 *       branch: number of ARGV after this one that belong to it · number of appends · per append: index of the stream ·
 *         number of entries · own arguments of each · shared arguments · the own ones of all · the shared ones;
 *         then indices of counters up to the branch's end, with `+<amount>` those not raised by one
 * Returns { 'committed', one character per entry: A applied, D duplicate, H held by itself, F fenced }
 *       | { 'stale', current version, current epoch } | { 'blocked', key, what is wrong }
 */
export const COMMIT_SCRIPT = `#!lua
local metrics, current, control, source = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local fence, group, version, epoch = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local holdsUntil, claimTtl, onceTtl, timing = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local targets = tonumber(ARGV[9])
local counters = tonumber(ARGV[10])
local HOLDER = '${HOLDER}'
-- Counters stay below it, so that a sum that has grown out of proportion never stands in the way of a commit.
local COUNT_MAX = 999999999999999
local BOUNDS = { ${PROCESSING_MS_BOUNDS.join(", ")} }
local call, unpack, tonumber = redis.call, unpack, tonumber
local time = call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function typeProblem(key, wanted)
  local found = call('TYPE', key)['ok']
  if found ~= wanted and found ~= 'none' then
    return { 'blocked', key, 'is a ' .. found .. ', expected a ' .. wanted }
  end
  return nil
end

-- Everything that could fail.
local problem = typeProblem(metrics, 'hash') or typeProblem(current, 'string') or typeProblem(control, 'hash')
  or typeProblem(source, 'stream')
if problem then return problem end
for t = 5, 4 + targets do
  problem = typeProblem(KEYS[t], 'stream')
  if problem then return problem end
  if call('EXISTS', KEYS[t]) == 1 then
    local info = call('XINFO', 'STREAM', KEYS[t])
    for f = 1, #info, 2 do
      if info[f] == 'last-generated-id' and string.find(info[f + 1], '18446744073709551615-', 1, true) then
        return { 'blocked', KEYS[t], 'has no entry ids left: its last one is ' .. info[f + 1] }
      end
    end
  end
end

if version ~= '' then
  local nowVersion = call('GET', current) or ''
  local nowEpoch = call('HGET', control, 'epoch') or '0'
  local late = holdsUntil ~= '' and now > tonumber(holdsUntil)
  if late or nowVersion ~= version or nowEpoch ~= epoch then return { 'stale', nowVersion, nowEpoch } end
end

local names = {}
for c = 1, counters do names[c] = ARGV[10 + c] end
local sumAt = 0
if timing ~= '' then
  for b = 1, #BOUNDS do names[counters + b] = timing .. 'le:' .. BOUNDS[b] end
  names[counters + #BOUNDS + 1] = timing .. 'le:inf'
  sumAt = counters + #BOUNDS + 2
  names[sumAt] = timing .. 'sum'
end
local values = {}
for from = 1, #names, 2000 do
  local some = call('HMGET', metrics, unpack(names, from, math.min(from + 1999, #names)))
  for i = 1, #some do
    local value = some[i] or '0'
    if not string.find(value, '^%-?%d+$') or #value > 15 then
      return { 'blocked', metrics, 'field ' .. names[from + i - 1] .. ' is not an integer of up to 15 digits' }
    end
    values[from + i - 1] = tonumber(value)
  end
end

-- From here on there are only writes that cannot fail.
local raised = {}

local function withHolder(field, holder)
  local from, to = string.find(field, HOLDER, 1, true)
  if not from then return field end
  return string.sub(field, 1, from - 1) .. holder .. string.sub(field, to + 1)
end

local function apply(at, holder)
  local stop = at + tonumber(ARGV[at])
  local appends = tonumber(ARGV[at + 1])
  at = at + 2
  for _ = 1, appends do
    local stream = KEYS[tonumber(ARGV[at])]
    local each, own, shared = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    at = at + 4
    local first = at + each * own
    if own == 0 and not holder then
      for _ = 1, each do call('XADD', stream, '*', unpack(ARGV, first, first + shared - 1)) end
    else
      local fields = { unpack(ARGV, at, at + own - 1) }
      for s = 0, shared - 1 do fields[own + s + 1] = ARGV[first + s] end
      if holder then
        for f = own + 1, own + shared do fields[f] = withHolder(fields[f], holder) end
      end
      for e = 0, each - 1 do
        for o = 1, own do fields[o] = ARGV[at + e * own + o - 1] end
        if holder then
          for o = 1, own do fields[o] = withHolder(fields[o], holder) end
        end
        call('XADD', stream, '*', unpack(fields, 1, own + shared))
      end
    end
    at = first + shared
  end
  for c = at, stop do
    local counter, by = tonumber(ARGV[c]), 1
    if not counter then
      counter, by = string.match(ARGV[c], '^(%d+)%+(%d+)$')
      counter, by = tonumber(counter), tonumber(by)
    end
    raised[counter] = (raised[counter] or 0) + by
  end
end

local function fenceWon(id, mark)
  if fence == 'group' then return call('XACK', source, group, id) == 1 end
  if fence == 'dead_letter' then return call('XDEL', source, mark) == 1 end
  return call('SET', KEYS[tonumber(mark)], id, 'NX', 'PX', onceTtl) ~= false
end

local function measure(id)
  local took = math.max(0, now - tonumber(string.match(id, '^%d+')))
  local bucket = #BOUNDS + 1
  for b = 1, #BOUNDS do
    if took <= BOUNDS[b] then bucket = b break end
  end
  raised[counters + bucket] = (raised[counters + bucket] or 0) + 1
  raised[sumAt] = (raised[sumAt] or 0) + took
end

local answers = {}
local at = 11 + counters
local entries = tonumber(ARGV[at])
at = at + 1
for e = 1, entries do
  local id, mark, claim = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local won = at + 3
  local after = won + tonumber(ARGV[won]) + 1
  local lost = after
  if claim > 0 then after = lost + tonumber(ARGV[lost]) + 1 end
  if not fenceWon(id, mark) then
    answers[e] = 'F'
  else
    if timing ~= '' then measure(id) end
    if claim == 0 or call('SET', KEYS[claim], id, 'NX', 'PX', claimTtl) then
      apply(won, nil)
      answers[e] = 'A'
    else
      local holder = redis.pcall('GET', KEYS[claim])
      if type(holder) ~= 'string' then holder = 'unknown' end
      if holder == id then
        answers[e] = 'H'
      else
        apply(lost, holder)
        answers[e] = 'D'
      end
    end
  end
  at = after
end

local changes = {}
for counter, by in pairs(raised) do
  changes[#changes + 1] = names[counter]
  changes[#changes + 1] = string.format('%.0f', math.min(values[counter] + by, COUNT_MAX))
end
for from = 1, #changes, 2000 do
  call('HSET', metrics, unpack(changes, from, math.min(from + 1999, #changes)))
end
return { 'committed', table.concat(answers) }
`;
