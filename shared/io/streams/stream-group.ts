import type { Redis } from "ioredis";
import { fieldsOf, type Entry } from "../../entry.ts";
import type { GroupName, Keys, StreamName } from "../../keys.ts";
import { defineScript } from "../redis/connection.ts";

/** An entry delivered to somebody and not acknowledged. */
export interface PendingEntry {
  readonly id: string;
  readonly consumer: string;
  readonly idleMs: number;
  /** Times it was delivered, by Redis' own count. */
  readonly deliveries: number;
}

export interface GroupOptions {
  readonly stream: StreamName;
  readonly group: GroupName;
  readonly consumer: string;
}

/** The stream or its group is not there: nothing can be read until it is made (see groups.ts). */
export class GroupMissingError extends Error {
  override readonly name = "GroupMissingError";
}

/**
 * `taken`: somebody else was faster, or has finished it. `gone`: it is pending still, but was deleted or trimmed from
 * the stream, so nobody can know what it said.
 */
export type Claimed =
  | { readonly status: "claimed"; readonly entry: Entry }
  | { readonly status: "taken" }
  | { readonly status: "gone" };

/** One consumer's view of one consumer group. */
export interface StreamGroup {
  /** New entries, as soon as there are any, or none after `blockMs`. `blocking` is a connection of its own. */
  read(blocking: Redis, options: { countMax: number; blockMs: number }): Promise<Entry[]>;
  /** Entries nobody has worked on for at least `idleMs`, oldest first. */
  pending(options: { idleMs: number; countMax: number; after?: string }): Promise<PendingEntry[]>;
  /** Which of these are pending, for whomever. */
  stillPending(ids: readonly string[]): Promise<string[]>;
  /** These entries as far as they are still in the stream; nobody's hold on them changes. */
  fetch(ids: readonly string[]): Promise<Entry[]>;
  /** Takes an entry over if it is still idle for `idleMs`, counting a delivery unless `deliveries` says what the count is. */
  claim(id: string, idleMs: number, deliveries?: number): Promise<Claimed>;
  /** Takes back a delivery that was none: sets the count of an entry of this consumer to `deliveries`. */
  restoreDeliveryCount(id: string, deliveries: number): Promise<void>;
  /**
   * Lets others take over at once what is pending for this consumer. With `uncount` the delivery is not counted: that it has not
   * come to an end is not the entries' fault.
   */
  release(options: { uncount: boolean }): Promise<void>;
  /**
   * Marks entries of this consumer as being worked on, counting no delivery; gives the ids that are not its own any
   * more. An entry deleted from the stream meanwhile stays pending, so that its result can still be committed.
   */
  extend(ids: readonly string[]): Promise<string[]>;
}

/**
 * KEYS 1 the stream. ARGV 1 group, 2 consumer, 3… entry ids. Returns the ids that are not pending for the consumer.
 * Claiming without this check would take entries back from whoever took them over; and claiming an entry that
 * was deleted or trimmed takes it out of the pending list, which would make its commit lose the fence.
 */
const EXTEND_SCRIPT = `#!lua
local stream, group, consumer = KEYS[1], ARGV[1], ARGV[2]
local gone = {}
for i = 3, #ARGV do
  local pending = redis.call('XPENDING', stream, group, ARGV[i], ARGV[i], 1, consumer)
  if #pending == 0 then
    gone[#gone + 1] = ARGV[i]
  elseif #redis.call('XRANGE', stream, ARGV[i], ARGV[i]) == 1 then
    redis.call('XCLAIM', stream, group, consumer, 0, ARGV[i], 'JUSTID')
  end
end
return gone
`;

/**
 * KEYS 1 the stream. ARGV 1 group, 2 consumer, 3 least idle time in ms, 4 entry id, 5 deliveries to set, or '' to count one.
 * Returns the claimed entry | 'taken' |
 * 'gone'. A plain XCLAIM of a deleted entry takes it out of the pending list and says nothing.
 */
const CLAIM_SCRIPT = `#!lua
local stream, group, consumer, idle, id, deliveries = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if #redis.call('XRANGE', stream, id, id) == 0 then
  local left = redis.call('XPENDING', stream, group, 'IDLE', idle, id, id, 1)
  return #left == 1 and 'gone' or 'taken'
end
if deliveries == '' then return redis.call('XCLAIM', stream, group, consumer, idle, id)[1] or 'taken' end
return redis.call('XCLAIM', stream, group, consumer, idle, id, 'RETRYCOUNT', deliveries)[1] or 'taken'
`;

/** KEYS 1 the stream. ARGV 1 group, 2 consumer, 3 entry id, 4 deliveries. Sets the count if the entry is the consumer's. */
const RESTORE_COUNT_SCRIPT = `#!lua
local stream, group, consumer, id = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local own = #redis.call('XPENDING', stream, group, id, id, 1, consumer) == 1
if own and #redis.call('XRANGE', stream, id, id) == 1 then
  redis.call('XCLAIM', stream, group, consumer, 0, id, 'RETRYCOUNT', ARGV[4], 'JUSTID')
end
`;

/** KEYS 1 the stream. ARGV 1 group, 2 consumer, 3 idle time to give them, in ms, 4 deliveries to take back. */
const RELEASE_SCRIPT = `#!lua
local stream, group, consumer, idle, taken = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
for _, pending in ipairs(redis.call('XPENDING', stream, group, '-', '+', 10000, consumer)) do
  local id, deliveries = pending[1], math.max(0, pending[4] - taken)
  if #redis.call('XRANGE', stream, id, id) == 1 then
    redis.call('XCLAIM', stream, group, consumer, 0, id, 'IDLE', idle, 'RETRYCOUNT', deliveries, 'JUSTID')
  end
end
`;

/** Longer than anybody's CLAIM_IDLE_MS. */
const RELEASED_IDLE_MS = 2_147_483_647;

type RawEntry = [id: string, fields: string[]] | null;

/** The view of `consumer` on a group, over a connection for commands. */
export function streamGroupOn(
  redis: Redis,
  keys: Keys,
  { stream, group, consumer }: GroupOptions,
): StreamGroup {
  const key = keys.stream(stream);
  const keepEntries = defineScript(redis, "keepEntries", EXTEND_SCRIPT);
  const claimEntry = defineScript(redis, "claimEntry", CLAIM_SCRIPT);
  const uncountDelivery = defineScript(redis, "uncountDelivery", RESTORE_COUNT_SCRIPT);
  const handBackEntries = defineScript(redis, "handBackEntries", RELEASE_SCRIPT);
  return {
    async read(blocking, { countMax, blockMs }) {
      const waiting = blockMs > 0 ? ["BLOCK", blockMs] : [];
      const reply = await namingMissingGroup(
        blocking.call(
          "XREADGROUP",
          "GROUP",
          group,
          consumer,
          "COUNT",
          countMax,
          ...waiting,
          "STREAMS",
          key,
          ">",
        ),
      );
      const streams = reply as [string, RawEntry[]][] | null;
      return entriesOf(streams?.[0]?.[1] ?? []);
    },
    async pending({ idleMs, countMax, after }) {
      const start = after === undefined ? "-" : `(${after}`;
      const reply = await namingMissingGroup(
        redis.call("XPENDING", key, group, "IDLE", idleMs, start, "+", countMax),
      );
      return (reply as [string, string, number, number][]).map(([id, owner, idle, deliveries]) => ({
        id,
        consumer: owner,
        idleMs: idle,
        deliveries,
      }));
    },
    async stillPending(ids) {
      const replies = await Promise.all(
        ids.map(async (id) => namingMissingGroup(redis.xpending(key, group, id, id, 1))),
      );
      return ids.filter((_, i) => (replies[i]?.length ?? 0) > 0);
    },
    async fetch(ids) {
      const replies = await Promise.all(ids.map(async (id) => redis.xrange(key, id, id)));
      return entriesOf(replies.flat());
    },
    async claim(id, idleMs, deliveries) {
      const reply = await namingMissingGroup(
        claimEntry([key], [group, consumer, idleMs, id, deliveries ?? ""]),
      );
      if (reply === "taken" || reply === "gone") return { status: reply };
      const [entry] = entriesOf([reply as RawEntry]);
      return entry === undefined ? { status: "taken" } : { status: "claimed", entry };
    },
    async restoreDeliveryCount(id, deliveries) {
      await namingMissingGroup(uncountDelivery([key], [group, consumer, id, deliveries]));
    },
    async release({ uncount }) {
      const args = [group, consumer, RELEASED_IDLE_MS, uncount ? 1 : 0];
      await namingMissingGroup(handBackEntries([key], args));
    },
    async extend(ids) {
      if (ids.length === 0) return [];
      const reply = await namingMissingGroup(keepEntries([key], [group, consumer, ...ids]));
      return (reply as unknown[]).map(String);
    },
  };
}

function entriesOf(raw: readonly RawEntry[]): Entry[] {
  const entries: Entry[] = [];
  for (const item of raw) {
    if (item !== null) entries.push({ id: item[0], fields: fieldsOf(item[1]) });
  }
  return entries;
}

/** The second is what a waiting read is told when its stream is deleted. */
const MISSING = /NOGROUP|UNBLOCKED the stream key no longer exists/;

async function namingMissingGroup<T>(reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof Error && MISSING.test(error.message)) {
      throw new GroupMissingError(error.message, { cause: error });
    }
    throw error;
  }
}
