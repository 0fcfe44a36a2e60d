import type { Redis } from "ioredis";
import { GROUPS, type Keys, type StreamName } from "../../keys.ts";
import { defineScript } from "../redis/connection.ts";
import { markOf } from "./groups.ts";

/** Every stream but `dead_letters`, which keeps what it has until a person decides. */
export type TrimmedStream = Exclude<StreamName, "dead_letters">;

/**
 * What a group that has not got as far as STREAM_RETENTION_MS means for the entries it still needs, the oldest
 * of which is `from`. `keeps`: they stay. `loses`: a group that entries are not kept for (another service's, or `notifier`) is behind by more
 * than twice the retention; they go. `missing`: one of the router's own groups is not there, so nothing of the stream
 * has been worked on as far as anyone knows, and all of it stays.
 */
export type BehindGroup =
  | { readonly group: string; readonly state: "keeps" | "loses"; readonly from: string }
  | { readonly group: string; readonly state: "missing" };

export interface TrimStep {
  /** Entries removed. */
  readonly removed: number;
  readonly behind: readonly BehindGroup[];
}

export interface TrimPreview {
  /** Entries nobody needs any more, counted up to some hundreds. Whole nodes of some 100 go at a time, so a rest stays. */
  readonly removable: number;
  /** Whether there are more than were counted. */
  readonly more: boolean;
  readonly behind: readonly BehindGroup[];
}

export interface StreamTrimmer {
  /** Removes the oldest entries nobody needs any more, some thousands at most; again until it removes none. */
  step(stream: TrimmedStream): Promise<TrimStep>;
  /** What there is to remove, and what is in the way; removes nothing. */
  preview(stream: TrimmedStream): Promise<TrimPreview>;
}

/**
 * One step of trimming a stream: finds the lowest id that is still needed and removes whole nodes below it, in the same
 * script, so that nothing can be delivered or taken back in between.
 *
 * KEYS  1 the stream · 2 the groups hash
 * ARGV  1 retention in ms · 2 most entries to remove or count · 3 trim, or look: only count · then, for each of the
 *         router's own groups of this stream: name · its field in the groups hash if it may be missing while that is not
 *         set, or '' if it may never be missing
 * Returns { entries removed or counted, then per group that is behind: name, keeps | loses | missing, oldest id it needs }
 */
const TRIM_SCRIPT = `#!lua
local stream, groups = KEYS[1], KEYS[2]
local retention, countMax, looks = tonumber(ARGV[1]), ARGV[2], ARGV[3] == 'look'
local call = redis.call
-- A key of another type is what the commit complains about.
if call('TYPE', stream)['ok'] ~= 'stream' then return { 0 } end

local missing = {}
for g = 4, #ARGV, 2 do
  missing[ARGV[g]] = ARGV[g + 1] == '' or call('HEXISTS', groups, ARGV[g + 1]) == 1
end

-- Both halves of an id have up to 20 digits, more than a number of Lua holds, and no leading zeros.
local function lower(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end
local function before(a, b)
  local aMs, aSeq = string.match(a, '^(%d+)-(%d+)$')
  local bMs, bSeq = string.match(b, '^(%d+)-(%d+)$')
  if aMs ~= bMs then return lower(aMs, bMs) end
  return lower(aSeq, bSeq)
end

local time = call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function idOf(age) return string.format('%.0f-0', math.max(0, now - age)) end
local old, tooOld = idOf(retention), idOf(2 * retention)

-- The lower one of the first pending and the first undelivered entry: after XGROUP SETID it can be either.
local function firstNeeded(group, lastDelivered)
  local needed = nil
  local pending = call('XPENDING', stream, group, '-', '+', 1)
  if #pending > 0 then needed = pending[1][1] end
  if lastDelivered ~= '18446744073709551615-18446744073709551615' then
    local undelivered = call('XRANGE', stream, '(' .. lastDelivered, '+', 'COUNT', 1)
    if #undelivered > 0 and (not needed or before(undelivered[1][1], needed)) then
      needed = undelivered[1][1]
    end
  end
  return needed
end

local answer = { 0 }
local limit = old
for _, flat in ipairs(call('XINFO', 'GROUPS', stream)) do
  local info = {}
  for f = 1, #flat, 2 do info[flat[f]] = flat[f + 1] end
  local own = missing[info['name']] ~= nil
  missing[info['name']] = nil
  local needed = firstNeeded(info['name'], info['last-delivered-id'])
  if needed and before(needed, old) then
    local loses = not own and before(needed, tooOld)
    local keptFrom = loses and tooOld or needed
    if before(keptFrom, limit) then limit = keptFrom end
    for _, part in ipairs({ info['name'], loses and 'loses' or 'keeps', needed }) do
      answer[#answer + 1] = part
    end
  end
end

local complete = true
for name, gone in pairs(missing) do
  if gone then
    complete = false
    for _, part in ipairs({ name, 'missing', '' }) do answer[#answer + 1] = part end
  end
end
if complete and looks then
  answer[1] = #call('XRANGE', stream, '-', '(' .. limit, 'COUNT', countMax)
elseif complete then
  answer[1] = call('XTRIM', stream, 'MINID', '~', limit, 'LIMIT', countMax)
end
return answer
`;

export interface StreamTrimmerOptions {
  readonly retentionMs: number;
  /** Most entries removed by one step. */
  readonly stepCountMax?: number;
}

/** Takes 0.2 ms with entries of 300 bytes and 5 ms with 16 kB each. A node of a stream holds 100 entries at most, unless configured. */
const STEP_COUNT_MAX = 2_000;
/** Counting reads the entries, so it costs more. */
const PREVIEW_COUNT_MAX = 500;

/** Trims the streams of one router by age, never past an entry that is still needed. */
export function streamTrimmerOn(
  redis: Redis,
  keys: Keys,
  { retentionMs, stepCountMax = STEP_COUNT_MAX }: StreamTrimmerOptions,
): StreamTrimmer {
  const trimStream = defineScript(redis, "trimStream", TRIM_SCRIPT);
  async function run(stream: TrimmedStream, mode: "trim" | "look", countMax: number): Promise<TrimStep> {
    const own = GROUPS.filter((one) => one.stream === stream).flatMap(({ group }) => [
      group,
      // Tasks may be there for others to run; the other streams are always worked on here.
      group === "strategy_executor" ? markOf(stream, group) : "",
    ]);
    const reply = await trimStream([keys.stream(stream), keys.groups], [retentionMs, countMax, mode, ...own]);
    const [removed, ...parts] = reply as [number, ...string[]];
    const behind: BehindGroup[] = [];
    for (let i = 0; i + 2 < parts.length; i += 3) behind.push(behindGroup(parts.slice(i, i + 3)));
    return { removed, behind };
  }

  return {
    step: async (stream) => run(stream, "trim", stepCountMax),
    async preview(stream) {
      const { removed: removable, behind } = await run(stream, "look", PREVIEW_COUNT_MAX);
      return { removable, more: removable === PREVIEW_COUNT_MAX, behind };
    },
  };
}

function behindGroup([group = "", state = "", from = ""]: readonly string[]): BehindGroup {
  switch (state) {
    case "missing":
      return { group, state };
    case "keeps":
    case "loses":
      return { group, state, from };
    default:
      throw new Error(`trim script answered ${state} for group ${group}`);
  }
}
