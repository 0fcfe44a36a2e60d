import type { Redis } from "ioredis";
import { GROUPS, type Keys, type OutcomeStream, type StreamName } from "../../keys.ts";
import { defineScript } from "../redis/connection.ts";
import { readWriteRefusals } from "../redis/server-facts.ts";
import { groupField } from "./groups.ts";

/** Trims streams by age, never past an entry that is still needed. */
export interface StreamTrimmer {
  /** Whether Redis' memory has reached maxmemory: then less is kept, see {@link FULL_RETENTION_MS}. */
  isFull(): Promise<boolean>;
  /** Removes the oldest entries that are no longer needed, some thousands at most; call it until it removes none. */
  step(stream: TrimmedStream, options?: TrimOptions): Promise<TrimStep>;
  /** What could be removed, and which groups prevent more; removes nothing. */
  preview(stream: TrimmedStream, options?: TrimOptions): Promise<TrimPreview>;
}

export interface TrimOptions {
  /** Default false. */
  readonly isFull?: boolean;
}

/**
 * While Redis is full, entries that every group of the router has done with are kept for so long, in ms, or STREAM_RETENTION_MS if
 * that is less. For another service's group they stay for twice STREAM_RETENTION_MS, as always.
 */
export const FULL_RETENTION_MS = 600_000;

/** Every stream of the router but `dead_letters`, whose entries stay until a person retries or discards them. */
export type TrimmedStream = Exclude<StreamName, "dead_letters" | OutcomeStream>;

/**
 * A group that still needs entries older than STREAM_RETENTION_MS, or than 10 minutes while Redis is full, from `from` on.
 * `keeps`: they stay · `loses`: they are removed, because they are older than twice the retention and the group is another
 * service's or `notifier` · `missing`: one of the router's own groups does not exist, so the whole stream stays.
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
  /** Entries no longer needed, counted up to some hundreds. Trimming removes whole nodes of some 100, so it leaves a rest. */
  readonly removable: number;
  /** True when there are more than were counted. */
  readonly more: boolean;
  readonly behind: readonly BehindGroup[];
}

/**
 * One step of trimming a stream: finds the lowest id that is still needed and removes whole nodes below it, in one script, so
 * that no entry is delivered or claimed in between.
 *
 * KEYS  1 the stream · 2 the groups hash
 * ARGV  1 age from which entries are removed, in ms · 2 age from which they are removed although a group of another service
 *         needs them, in ms · 3 most entries to remove or count · 4 trim | preview (only count) · then, for each of the
 *         router's own groups of this stream: name · its field in the groups hash if the group may be missing while that is
 *         not set, or '' if it may never be missing
 * Returns { entries removed or counted, then per group that is behind: name, keeps | loses | missing, oldest id it needs }
 */
const BODY = `local stream, groups = KEYS[1], KEYS[2]
local age, othersAge, countMax, preview = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4] == 'preview'
local call = redis.call
-- A key of another type is reported by the commit.
if call('TYPE', stream)['ok'] ~= 'stream' then return { 0 } end

local missing = {}
for g = 5, #ARGV, 2 do
  missing[ARGV[g]] = ARGV[g + 1] == '' or call('HEXISTS', groups, ARGV[g + 1]) == 1
end

-- Both halves of an id have up to 20 digits, more than a Lua number holds exactly, and no leading zeros.
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
local old, tooOld = idOf(age), idOf(othersAge)

-- The lower of the first pending and the first undelivered id: after XGROUP SETID it can be either.
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
for name, isMissing in pairs(missing) do
  if isMissing then
    complete = false
    for _, part in ipairs({ name, 'missing', '' }) do answer[#answer + 1] = part end
  end
end
if complete and preview then
  answer[1] = #call('XRANGE', stream, '-', '(' .. limit, 'COUNT', countMax)
elseif complete then
  answer[1] = call('XTRIM', stream, 'MINID', '~', limit, 'LIMIT', countMax)
end
return answer
`;
const TRIM_SCRIPT = `#!lua flags=allow-oom\n${BODY}`;
const PREVIEW_SCRIPT = `#!lua flags=no-writes\n${BODY}`;

export interface StreamTrimmerOptions {
  readonly retentionMs: number;
  /** Most entries removed by one step. */
  readonly stepCountMax?: number;
}

/** Takes 0.2 ms with entries of 300 bytes and 5 ms with 16 kB each. A node of a stream holds 100 entries by default. */
const STEP_COUNT_MAX = 2_000;
/** Counting reads the entries, so it takes longer. */
const PREVIEW_COUNT_MAX = 500;

/** The trimmer of one router's streams, over a connection for commands. */
export function streamTrimmerOn(
  redis: Redis,
  keys: Keys,
  { retentionMs, stepCountMax = STEP_COUNT_MAX }: StreamTrimmerOptions,
): StreamTrimmer {
  const trimStream = defineScript(redis, "trimStream", TRIM_SCRIPT);
  const previewTrim = defineScript(redis, "previewTrim", PREVIEW_SCRIPT);
  async function run(
    stream: TrimmedStream,
    { mode, countMax, isFull = false }: TrimOptions & { mode: "trim" | "preview"; countMax: number },
  ): Promise<TrimStep> {
    const ageMs = isFull ? Math.min(FULL_RETENTION_MS, retentionMs) : retentionMs;
    // With GROUP_SUFFIX it is another router's, which trims it by its own groups.
    if (stream === "signals_stream" && keys.suffix !== "") return { removed: 0, behind: [] };
    const own = GROUPS.filter((one) => one.stream === stream).flatMap(({ group }) => [
      keys.group(group),
      // Tasks may be run by other services only; the other streams are always processed by the router.
      group === "strategy_executor" ? groupField(stream, group) : "",
    ]);
    const script = mode === "trim" ? trimStream : previewTrim;
    const args = [ageMs, 2 * retentionMs, countMax, mode, ...own];
    const reply = await script([keys.stream(stream), keys.groups], args);
    const [removed, ...parts] = reply as [number, ...string[]];
    const behind: BehindGroup[] = [];
    for (let i = 0; i + 2 < parts.length; i += 3) behind.push(behindGroup(parts.slice(i, i + 3)));
    return { removed, behind };
  }

  return {
    isFull: async () => (await readWriteRefusals(redis, keys.groups)).some(({ code }) => code === "OOM"),
    step: async (stream, options) => run(stream, { ...options, mode: "trim", countMax: stepCountMax }),
    async preview(stream, options) {
      const limits = { mode: "preview", countMax: PREVIEW_COUNT_MAX } as const;
      const { removed: removable, behind } = await run(stream, { ...options, ...limits });
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
