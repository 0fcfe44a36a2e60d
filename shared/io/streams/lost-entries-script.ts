/**
 * What an entry of a stream is about, as one text that says the same for a record, a dead letter and the entry it belongs to. The
 * first number named strategy_id in the JSON of an outcome is the strategy's: quotes within its texts are escaped.
 */
const TRACE_OF = `
local function traceOf(flat)
  local fields = {}
  for f = 1, #flat, 2 do fields[flat[f]] = flat[f + 1] end
  local kind, entryId = fields['kind'], fields['entry_id'] or ''
  if kind == 'signal' then return 'signal ' .. entryId .. ' ' .. (fields['invocation'] or '') end
  if kind == 'outcome' then
    local strategyId = string.match(fields['data'] or '', '"strategy_id":(%d+)') or ''
    return 'outcome ' .. entryId .. ' ' .. (fields['invocation'] or '') .. ' ' .. strategyId
  end
  return 'letter ' .. (fields['stream'] or '') .. ' ' .. entryId
end
`;

/** KEYS 1 the stream that is searched. ARGV 1 id to start after, 2 count, 3… traces. Returns last id read, entries read, traces found. */
export const TRACES_SCRIPT = `#!lua flags=no-writes
${TRACE_OF}
local last, wanted, found = ARGV[1], {}, {}
for i = 3, #ARGV do wanted[ARGV[i]] = true end
local page = redis.call('XRANGE', KEYS[1], '(' .. last, '+', 'COUNT', ARGV[2])
for _, entry in ipairs(page) do
  last = entry[1]
  local trace = traceOf(entry[2])
  if wanted[trace] then found[#found + 1] = trace end
end
return { last, #page, found }
`;

/**
 * KEYS 1 stream of the entry, 2 records, 3 dead letters, 4 metrics, 5… streams that are appended to. ARGV 1 group, 2 entry id,
 * 3 count, 4 record to start after, 5 trace of a record, 6 dead letter to start after, 7 trace of a dead letter,
 * 8 effects: JSON of { appends: [[index of the stream from 0, name, value, …]], counts: [[counter, amount]] }.
 * Returns 'lost': the effects were written | 'kept': it is pending, waiting, finished, or was never in this stream | 'again': there is more to search.
 */
export const LOST_SCRIPT = `#!lua flags=allow-oom
${TRACE_OF}
local stream, group, id, count = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local APPENDED_TO = 5
local function isLater(a, b)
  local ams, aseq = string.match(a, '(%d+)-(%d+)')
  local bms, bseq = string.match(b, '(%d+)-(%d+)')
  if ams ~= bms then return tonumber(ams) > tonumber(bms) end
  return tonumber(aseq) > tonumber(bseq)
end
if #redis.call('XPENDING', stream, group, id, id, 1) == 1 then return 'kept' end
for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  local facts = {}
  for f = 1, #info, 2 do facts[info[f]] = info[f + 1] end
  if facts['name'] == group then
    local newest = redis.call('XREVRANGE', stream, id, '(' .. facts['last-delivered-id'], 'COUNT', 1)[1]
    if newest and newest[1] == id then return 'kept' end
  end
end
if #redis.call('XRANGE', stream, id, id) == 0 then
  local facts = {}
  local info = redis.call('XINFO', 'STREAM', stream)
  for f = 1, #info, 2 do facts[info[f]] = info[f + 1] end
  local first = facts['first-entry'] and facts['first-entry'][1] or facts['last-generated-id']
  -- Neither deleted nor trimmed: a fail-over has taken it back, and what it was made of is decided anew.
  if isLater(id, facts['max-deleted-entry-id']) and isLater(id, first) then return 'kept' end
end
local function search(key, after, trace)
  local page = redis.call('XRANGE', key, '(' .. after, '+', 'COUNT', count)
  for _, entry in ipairs(page) do
    if traceOf(entry[2]) == trace then return 'kept' end
  end
  return #page == tonumber(count) and 'again' or nil
end
local answer = search(KEYS[2], ARGV[4], ARGV[5]) or search(KEYS[3], ARGV[6], ARGV[7])
if answer then return answer end
for k = APPENDED_TO, #KEYS do
  local found = redis.call('TYPE', KEYS[k])['ok']
  if found ~= 'stream' and found ~= 'none' then
    return redis.error_reply('ERR ' .. KEYS[k] .. ' is a ' .. found .. ', expected a stream; nothing was written')
  end
end
local effects = cjson.decode(ARGV[8])
for _, append in ipairs(effects.appends) do
  append[1] = KEYS[APPENDED_TO + append[1]]
  redis.call('XADD', append[1], '*', unpack(append, 2))
end
for _, counter in ipairs(effects.counts) do redis.call('HINCRBY', KEYS[4], counter[1], counter[2]) end
return 'lost'
`;
