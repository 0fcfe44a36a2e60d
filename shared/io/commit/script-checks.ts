import { PROCESSING_MS_BOUNDS } from "../../metrics.ts";
import { DECISION_MS_MAX } from "./calls.ts";

/**
 * The first half of the commit script: everything that could fail, and no write. It leaves `counts`, what the counters
 * hold now, and `measured`, the processing time of each entry, to the second half.
 */
export const SCRIPT_CHECKS = `
local BOUNDS = { ${PROCESSING_MS_BOUNDS.join(", ")} }
local DECISION_MS_MAX = ${DECISION_MS_MAX}

local function typeProblem(key, wanted)
  local found = call('TYPE', key)['ok']
  if found ~= wanted and found ~= 'none' then
    return { 'blocked', key, 'is a ' .. found .. ', expected a ' .. wanted }
  end
  return nil
end

local problem = typeProblem(metrics, 'hash') or typeProblem(current, 'string') or typeProblem(control, 'hash')
  or typeProblem(source, 'stream') or label ~= '' and typeProblem(sequence, 'string')
  or token ~= '' and typeProblem(lease, 'hash')
if problem then return problem end
for k = BEFORE_STREAMS + 1, BEFORE_ENTRY_KEYS do
  problem = typeProblem(KEYS[k], 'stream')
  if problem then return problem end
  if call('EXISTS', KEYS[k]) == 1 then
    local info = call('XINFO', 'STREAM', KEYS[k])
    for f = 1, #info, 2 do
      if info[f] == 'last-generated-id' and find(info[f + 1], '18446744073709551615-', 1, true) then
        return { 'blocked', KEYS[k], 'has no entry ids left: its last one is ' .. info[f + 1] }
      end
    end
  end
end

if token ~= '' and call('HGET', lease, 'token') ~= token then return { 'deposed' } end

if version ~= '' then
  local nowVersion = call('GET', current) or ''
  local nowEpoch = call('HGET', control, 'epoch') or '0'
  local aheadMs = decidedAt == '' and 0 or decidedAt - now
  local mistimed = math.abs(aheadMs) > DECISION_MS_MAX
  if mistimed or nowVersion ~= version or nowEpoch ~= epoch then
    return { 'stale', nowVersion, nowEpoch, mistimed and aheadMs or '' }
  end
end

if follows ~= '' and call('GET', sequence) ~= follows then return { 'early' } end

-- An entry's bucket of the processing time is known before its fence: its field is checked like all other counters.
local measured, sumIndex = {}, 0
if timing ~= '' then
  local bucketIndexes = {}
  local at = 1
  while at <= #values do
    local took = math.max(0, now - tonumber(string.match(values[at], '^%d+')))
    local bound = 'inf'
    for b = 1, #BOUNDS do
      if took <= BOUNDS[b] then bound = BOUNDS[b] break end
    end
    if not bucketIndexes[bound] then
      counters[#counters + 1] = timing .. 'le:' .. bound
      bucketIndexes[bound] = #counters
    end
    measured[at] = { bucketIndexes[bound], took }
    local lostAt = at + 4 + values[at + 3]
    at = lostAt + values[lostAt] + 1
  end
  counters[#counters + 1] = timing .. 'sum'
  sumIndex = #counters
end
local counts = {}
for from = 1, #counters, 2000 do
  local some = call('HMGET', metrics, unpack(counters, from, math.min(from + 1999, #counters)))
  for i = 1, #some do
    local count = some[i] or '0'
    if find(count, '%D') and not find(count, '^%-%d+$') or count == '' or #count > 15 then
      return { 'blocked', metrics, 'field ' .. counters[from + i - 1] .. ' is not an integer of up to 15 digits' }
    end
    counts[from + i - 1] = count + 0
  end
end
`;
