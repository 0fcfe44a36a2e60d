import { SCRIPT_CHECKS } from "./script-checks.ts";
import { SCRIPT_WRITES } from "./script-writes.ts";

/**
 * The commit: claims, fences, appends and counts in one atomic step. Lua does not roll back, so everything
 * that could fail is checked before the first write.
 *
 * KEYS  1 metrics · 2 current: reference:current · 3 control · 4 source: the stream the fence is on ·
 *       then the streams, which are appended to · then the entry keys: `done:<invocation>:<entry id>` and `dedup:<uid>` ·
 *       then, if the call has a label, sequence · last, if it has a token, the lease of the group
 * ARGV  1 fence: group | dead_letter | once · 2 group (fence group)
 *       3 version, 4 epoch: snapshot and control epoch the entries were decided on ('' as version: not checked)
 *       5 decidedAt: Redis' time in ms at the decision, which must be within 2 s of its time now ('' = not checked)
 *       6 claimTtl: life of a uid claim, 7 onceTtl: of a once fence, both in ms
 *       8 timing: prefix of the processing-time fields ('' = not measured) · 9 streamCount
 *       10 label of this call in its sequence ('' = in none) · 11 follows: label of the call it must directly follow ('' = any)
 *       12 token of the holding under which the entries were read ('' = not checked)
 *       13 message: the entries, in MessagePack · 14 … separateArgs: values too long for the message
 *
 * The message is { counters, counterLists, shapes, elementLists, values }. What entries share is in the first four, once; the
 * values are one flat list, and refer to them by indexes from 1.
 *   counters      names of counters
 *   counterLists  for each list: the counterIndex of each counter that is raised by one
 *   shapes        for appends with the same fields: { add, elementFieldCount, inlineSlots, separateSlots }
 *     add                 the XADD, with its streamIndex in place of the key, and '' in each slot: a value that differs
 *     elementFieldCount   number of fields, the first ones, whose values come from an element
 *     inlineSlots         positions in `add` of values that are in the message
 *     separateSlots       positions in `add` of values that are in separateArgs
 *   elementLists  for each list: elementCount, then the values of each element
 *   values        for each entry: id · fenceValue · claimIndex · branchSize, branch · branchSize, branch if the claim is lost
 *     fenceValue    '' (group), the dead letter's id, or the index of the done key among the entry keys
 *     claimIndex    index of the dedup key among the entry keys (0 = no claim); negative: the key after it is claimed, too
 *     branchSize    number of values of the branch (0 = not sent)
 *     branch        appendCount · appends · counterListIndex · sumCount · for each sum: counterIndex, amount
 *     append        shapeIndex · elementListIndex (0 = one entry, no elements) · inline values · separateIndexes
 *
 * Example: a signal for two strategies. `<record>` stands for a text of 128 characters.
 *   item
 *     { "id": "1700000000000-0",
 *       "effects": {
 *         "append": [
 *           { "stream": "strategy_input_stream", "common": { "snapshot": "v1" }, "fields": { "symbol": "BTCUSDT" },
 *             "each": [{ "strategy_id": "7", "strategy": "trend" }, { "strategy_id": "9", "strategy": "range" }] },
 *           { "stream": "signal_results", "common": { "kind": "signal" }, "fields": { "data": "<record>" } }],
 *         "count": ["signals:dispatched", "strategy:7:dispatched", "strategy:9:dispatched"],
 *         "claim": { "uid": "u1", "ifLost": { "append": [], "count": ["signals:duplicate"] } } } }
 *   streams
 *     ["strategy_input_stream", "signal_results"]
 *   entryKeys
 *     ["dedup:u1"]
 *   counters
 *     ["signals:dispatched", "strategy:7:dispatched", "strategy:9:dispatched"]
 *   counterLists
 *     [[1, 2, 3]]
 *   shapes
 *     [[["XADD", 1, "*", "strategy_id", "", "strategy", "", "snapshot", "v1", "symbol", ""], 2, [11], []],
 *      [["XADD", 2, "*", "kind", "signal", "data", ""], 0, [], [7]]]
 *   elementLists
 *     [[2, "7", "trend", "9", "range"]]
 *   values
 *     ["1700000000000-0", "", 1,  -- id, fenceValue, claimIndex
 *      9, 2,                      -- branchSize, appendCount
 *      1, 1, "BTCUSDT",           -- append: shapeIndex, elementListIndex, inline value (symbol)
 *      2, 0, 1,                   -- append: shapeIndex, elementListIndex, separateIndex (data)
 *      1, 0,                      -- counterListIndex, sumCount
 *      0]                         -- branchSize: the branch if the claim is lost is not sent
 *   separateArgs
 *     ["<record>"]
 *
 * Returns { 'committed', letters }: for each entry A applied, D duplicate, H held by itself, F fenced, or L claim lost and
 *           its branch not sent, so nothing was done for it. Of two keys both are claimed or none; one that the entry holds
 *           itself makes it H whichever entry holds the other one, since it was committed before
 *         or, when nothing was written, { 'stale', current version, current epoch, aheadMs: by how much decidedAt is ahead of
 *           Redis' time if that is why, else '' }, { 'early' }: the call it follows is not committed, { 'deposed' }: another runner
 *           holds the group, or { 'blocked', key, problem }
 *
 * Measured with 128 entries of 3.6 tasks a call: one packed argument instead of one for each name and value took Redis 42
 * instead of 63 µs per entry (AOF everysec). Lua goes through every byte of a string when it makes one, so what is the same is
 * sent once, and what is long not within another string: 17.9 instead of 18.7 µs (no AOF, nothing else running), and a tenth
 * less in the router. One XACK for all entries, after an XPENDING that finds every one pending, was no gain. Of a call with a
 * single entry, reading all fields of the processing time was 15 of 75 µs, XINFO is another 15.
 */
const BODY = `local call, unpack, tonumber, find = redis.call, unpack, tonumber, string.find
local metrics, current, control, source = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local fence, group, version, epoch = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local decidedAt, claimTtl, onceTtl, timing = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local streamCount = tonumber(ARGV[9])
local label, follows, token = ARGV[10], ARGV[11], ARGV[12]
local lease = KEYS[#KEYS]
local sequence = KEYS[token == '' and #KEYS or #KEYS - 1]
local MESSAGE = 13
local counters, counterLists, shapes, elementLists, values = unpack(cmsgpack.unpack(ARGV[MESSAGE]))
local BEFORE_STREAMS, BEFORE_ENTRY_KEYS = 4, 4 + streamCount
local time = call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
${SCRIPT_CHECKS}${SCRIPT_WRITES}`;

/** The commit of what makes new work, such as a decision. A Redis that has reached maxmemory refuses it. */
export const COMMIT_SCRIPT = `#!lua\n${BODY}`;

/** The commit of what finishes work or frees memory: it goes on when Redis has reached maxmemory. */
export const COMMIT_SCRIPT_WHEN_FULL = `#!lua flags=allow-oom\n${BODY}`;
