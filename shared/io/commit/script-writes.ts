import { HOLDER } from "../../function.ts";

/** How long Redis remembers a sequence's last call, in ms; a call that comes later waits for those before it anyway. */
const SEQUENCE_MS = 60_000;

/** The second half of the commit script: entry by entry claim, fence and branch, then the counters. No write here can fail. */
export const SCRIPT_WRITES = `
local HOLDER = '${HOLDER}'
-- Counters stay below it, so that a sum that has grown out of proportion never blocks a commit.
local COUNT_MAX = 999999999999999

for s = 1, #shapes do
  local add = shapes[s][1]
  local streamIndex = add[2]
  add[2] = KEYS[BEFORE_STREAMS + streamIndex]
end

-- By how much each counter is raised, by its index.
local raised = {}

local function withHolder(value, holder)
  local from, to = find(value, HOLDER, 1, true)
  if not from then return value end
  return string.sub(value, 1, from - 1) .. holder .. string.sub(value, to + 1)
end

local function filledIn(add, holder)
  local filled = { add[1], add[2], add[3] }
  for f = 4, #add, 2 do
    filled[f] = add[f]
    filled[f + 1] = withHolder(add[f + 1], holder)
  end
  return filled
end

-- Performs the branch whose appendCount is at this position.
local function apply(at, holder)
  local appendCount = values[at]
  at = at + 1
  for _ = 1, appendCount do
    local shape, elementList = shapes[values[at]], elementLists[values[at + 1]]
    local add, elementFieldCount, inlineSlots, separateSlots = shape[1], shape[2], shape[3], shape[4]
    local size = #add
    at = at + 1
    for s = 1, #inlineSlots do add[inlineSlots[s]] = values[at + s] end
    at = at + #inlineSlots
    for s = 1, #separateSlots do add[separateSlots[s]] = ARGV[MESSAGE + values[at + s]] end
    at = at + #separateSlots + 1
    local from = 1
    for _ = 1, elementList and elementList[1] or 1 do
      for f = 1, elementFieldCount do add[3 + 2 * f] = elementList[from + f] end
      from = from + elementFieldCount
      if holder then call(unpack(filledIn(add, holder), 1, size)) else call(unpack(add, 1, size)) end
    end
  end
  local counterList = counterLists[values[at]]
  for c = 1, #counterList do
    local counterIndex = counterList[c]
    raised[counterIndex] = (raised[counterIndex] or 0) + 1
  end
  at = at + 1
  local sumCount = values[at]
  for c = at + 1, at + 2 * sumCount, 2 do
    local counterIndex, amount = values[c], values[c + 1]
    raised[counterIndex] = (raised[counterIndex] or 0) + amount
  end
end

local function fenceWon(id, fenceValue)
  if fence == 'group' then return call('XACK', source, group, id) == 1 end
  if fence == 'dead_letter' then return call('XDEL', source, fenceValue) == 1 end
  return call('SET', KEYS[BEFORE_ENTRY_KEYS + fenceValue], id, 'NX', 'PX', onceTtl) ~= false
end

local function holderOf(claimKey)
  local holder = redis.pcall('GET', claimKey)
  return type(holder) == 'string' and holder or 'unknown'
end

-- Commits the entry at this position, whose branches have their sizes at wonAt and lostAt; returns its letter.
local function settle(at, wonAt, lostAt)
  local id, fenceValue, claimIndex = values[at], values[at + 1], values[at + 2]
  local claimKey, alsoKey = KEYS[BEFORE_ENTRY_KEYS + claimIndex], nil
  if claimIndex < 0 then
    claimKey, alsoKey = KEYS[BEFORE_ENTRY_KEYS - claimIndex], KEYS[BEFORE_ENTRY_KEYS - claimIndex + 1]
  end
  local holder = nil
  if claimIndex ~= 0 and not call('SET', claimKey, id, 'NX', 'PX', claimTtl) then holder = holderOf(claimKey) end
  if alsoKey then
    if holder then
      if holderOf(alsoKey) == id then holder = id end
    elseif not call('SET', alsoKey, id, 'NX', 'PX', claimTtl) then
      holder = holderOf(alsoKey)
      call('DEL', claimKey)
    end
  end
  if holder and holder ~= id and values[lostAt] == 0 then return 'L' end
  if not fenceWon(id, fenceValue) then
    -- The claim made a moment ago was no claim: the commit that won the fence has claimed what was to be claimed.
    if claimIndex ~= 0 and not holder then
      call('DEL', claimKey)
      if alsoKey then call('DEL', alsoKey) end
    end
    return 'F'
  end
  local processing = measured[at]
  if processing then
    local bucketIndex, took = processing[1], processing[2]
    raised[bucketIndex] = (raised[bucketIndex] or 0) + 1
    raised[sumIndex] = (raised[sumIndex] or 0) + took
  end
  if not holder then
    apply(wonAt + 1, nil)
    return 'A'
  end
  if holder == id then return 'H' end
  apply(lostAt + 1, holder)
  return 'D'
end

local letters = {}
local at, last = 1, #values
while at <= last do
  local wonAt = at + 3
  local lostAt = wonAt + values[wonAt] + 1
  letters[#letters + 1] = settle(at, wonAt, lostAt)
  at = lostAt + values[lostAt] + 1
end

local changes, size = {}, 0
for counterIndex = 1, #counters do
  local by = raised[counterIndex]
  if by then
    local sum = counts[counterIndex] + by
    changes[size + 1], changes[size + 2] = counters[counterIndex], sum < COUNT_MAX and sum or COUNT_MAX
    size = size + 2
  end
end
for from = 1, size, 2000 do
  call('HSET', metrics, unpack(changes, from, math.min(from + 1999, size)))
end
if label ~= '' then call('SET', sequence, label, 'PX', ${SEQUENCE_MS}) end
return { 'committed', table.concat(letters) }
`;
