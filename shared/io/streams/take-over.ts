import type { Redis } from "ioredis";
import type { GroupHolding } from "../../commit.ts";
import type { Keys, StreamName } from "../../keys.ts";
import { defineScript } from "../redis/connection.ts";
import { namingMissingGroup, type PendingEntry } from "./pending-entries.ts";

/** A pending entry after a take-over, with the deliveries that were counted until then. */
export interface TakenOver extends Pick<PendingEntry, "id" | "deliveries"> {
  /** Whether the consumer has it now. False: its former consumer keeps it. */
  readonly isOwn: boolean;
}

export interface TakeOverOptions {
  readonly stream: StreamName;
  readonly holding: GroupHolding;
  readonly consumer: string;
  /** Take only entries without a delivery that counts: what was started stays with its consumer. */
  readonly unstarted: boolean;
}

/**
 * KEYS 1 the stream, 2 the lease. ARGV 1 token, 2 group, 3 consumer, 4 id to begin at, 5 entries at most, 6 '1' if only those without
 * deliveries are taken. Makes the consumer the owner of a page of what is pending, which counts no delivery. Returns 'deposed' |
 * { id to go on at or '' when that was all, for each entry its id, deliveries, 1 if it is the consumer's }. XCLAIM would take an entry
 * that was deleted from the stream out of the pending list; it stays its consumer's, and is the new one's to deal with all the same.
 */
const TAKE_OVER_SCRIPT = `#!lua flags=allow-oom
local stream, group, consumer, count = KEYS[1], ARGV[2], ARGV[3], tonumber(ARGV[5])
if redis.call('HGET', KEYS[2], 'token') ~= ARGV[1] then return 'deposed' end
local page = redis.call('XPENDING', stream, group, ARGV[4], '+', count)
local answer = { #page == count and '(' .. page[#page][1] or '' }
for _, pending in ipairs(page) do
  local id, owner, deliveries = pending[1], pending[2], pending[4]
  local taken = ARGV[6] == '' or deliveries == 0
  if taken and owner ~= consumer and #redis.call('XRANGE', stream, id, id) == 1 then
    redis.call('XCLAIM', stream, group, consumer, 0, id, 'JUSTID')
  end
  answer[#answer + 1] = id
  answer[#answer + 1] = deliveries
  answer[#answer + 1] = (taken or owner == consumer) and 1 or 0
end
return answer
`;

/** Entries that one script touches: about 1 ms. */
const PAGE_COUNT = 64;

/**
 * Makes the consumer, which holds the group, the owner of what was delivered to former holders: all that is pending, oldest first.
 * `deposed`: another runner holds the group; what was taken is that one's to take.
 */
export async function takeOverPending(
  redis: Redis,
  keys: Keys,
  { stream, holding, consumer, unstarted }: TakeOverOptions,
): Promise<readonly TakenOver[] | "deposed"> {
  const takeOver = defineScript(redis, "takeOverPending", TAKE_OVER_SCRIPT);
  const where = [keys.stream(stream), keys.groupLease(holding.group)];
  const found: TakenOver[] = [];
  for (let from = "-"; from !== "";) {
    const args = [holding.token, keys.group(holding.group), consumer, from, PAGE_COUNT, unstarted ? "1" : ""];
    const reply = await namingMissingGroup(takeOver(where, args));
    if (reply === "deposed") return "deposed";
    const [next, ...flat] = reply as [string, ...(string | number)[]];
    for (let at = 0; at < flat.length; at += 3)
      found.push({ id: String(flat[at]), deliveries: Number(flat[at + 1]), isOwn: flat[at + 2] === 1 });
    from = next;
  }
  return found;
}
