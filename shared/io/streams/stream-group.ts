import type { Redis } from "ioredis";
import type { Entry } from "../../entry.ts";
import type { GroupName, Keys, StreamName } from "../../keys.ts";
import { defineScript } from "../redis/connection.ts";
import { entryOf, type RawEntry } from "./read-entries.ts";

/**
 * This room reads and maintains the streams with their groups and consumers; what functions produce is written by the commit.
 *
 * One consumer's view of one consumer group.
 */
export interface StreamGroup {
  /** New entries as soon as there are any, or none after `blockMs`. `blocking` is a connection of its own. */
  read(blocking: Redis, options: { countMax: number; blockMs: number }): Promise<Entry[]>;
  /** Pending entries of all consumers that have been idle for at least `idleMs`, oldest first. */
  pending(options: { idleMs: number; countMax: number; after?: string }): Promise<PendingEntry[]>;
  /** Which of these are pending for any consumer. */
  stillPending(ids: readonly string[]): Promise<string[]>;
  /** These entries as far as they are still in the stream; which consumer they are pending for does not change. */
  fetch(ids: readonly string[]): Promise<Entry[]>;
  /** Claims an entry if it is still idle for `idleMs`. Counts a delivery, or sets the count to `deliveries` if given. */
  claim(id: string, idleMs: number, deliveries?: number): Promise<Claimed>;
  /** Undoes a delivery that should not count: sets the count of an entry of this consumer to `deliveries`. */
  restoreDeliveryCount(id: string, deliveries: number): Promise<void>;
  /**
   * Lets other consumers claim at once what is pending for this one. With `restoreDeliveryCount` the delivery does not count, for
   * entries that were only interrupted.
   */
  release(options: { restoreDeliveryCount: boolean }): Promise<void>;
  /**
   * Resets the idle time of entries of this consumer, counting no delivery; gives the ids that are no longer pending for it.
   * An entry that was deleted from the stream stays pending, so that its result can still be committed.
   */
  extend(ids: readonly string[]): Promise<string[]>;
}

/** An entry delivered to a consumer and not acknowledged. */
export interface PendingEntry {
  readonly id: string;
  readonly consumer: string;
  readonly idleMs: number;
  /** Times it was delivered, by Redis' own count. */
  readonly deliveries: number;
}

/**
 * `taken`: another consumer claimed it first, or it is acknowledged. `gone`: it is still pending, but was deleted or trimmed
 * from the stream, so its fields are lost.
 */
export type Claimed =
  | { readonly status: "claimed"; readonly entry: Entry }
  | { readonly status: "taken" }
  | { readonly status: "gone" };

export interface GroupOptions {
  readonly stream: StreamName;
  readonly group: GroupName;
  readonly consumer: string;
}

/** The stream or its group does not exist: nothing can be read until it is created (see groups.ts). */
export class GroupMissingError extends Error {
  override readonly name = "GroupMissingError";
}

/**
 * KEYS 1 the stream. ARGV 1 group, 2 consumer, 3… entry ids. Returns the ids that are not pending for the consumer.
 * Without this check XCLAIM would take entries back from the consumers that claimed them; and XCLAIM of an entry that was
 * deleted or trimmed removes it from the pending list, so that its commit would lose the fence.
 */
const EXTEND_SCRIPT = `#!lua
local stream, group, consumer = KEYS[1], ARGV[1], ARGV[2]
local lost = {}
for i = 3, #ARGV do
  local pending = redis.call('XPENDING', stream, group, ARGV[i], ARGV[i], 1, consumer)
  if #pending == 0 then
    lost[#lost + 1] = ARGV[i]
  elseif #redis.call('XRANGE', stream, ARGV[i], ARGV[i]) == 1 then
    redis.call('XCLAIM', stream, group, consumer, 0, ARGV[i], 'JUSTID')
  end
end
return lost
`;

/**
 * KEYS 1 the stream. ARGV 1 group, 2 consumer, 3 least idle time in ms, 4 entry id, 5 deliveries to set, or '' to count one.
 * Returns the claimed entry | 'taken' | 'gone'. A plain XCLAIM of a deleted entry removes it from the pending list without
 * saying so.
 */
const CLAIM_SCRIPT = `#!lua
local stream, group, consumer, idle, id, deliveries = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if #redis.call('XRANGE', stream, id, id) == 0 then
  local pending = redis.call('XPENDING', stream, group, 'IDLE', idle, id, id, 1)
  return #pending == 1 and 'gone' or 'taken'
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

/** KEYS 1 the stream. ARGV 1 group, 2 consumer, 3 idle time to set, in ms, 4 deliveries to subtract. */
const RELEASE_SCRIPT = `#!lua
local stream, group, consumer, idle, uncounted = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
for _, pending in ipairs(redis.call('XPENDING', stream, group, '-', '+', 10000, consumer)) do
  local id, deliveries = pending[1], math.max(0, pending[4] - uncounted)
  if #redis.call('XRANGE', stream, id, id) == 1 then
    redis.call('XCLAIM', stream, group, consumer, 0, id, 'IDLE', idle, 'RETRYCOUNT', deliveries, 'JUSTID')
  end
end
`;

/** Longer than any CLAIM_IDLE_MS. */
const RELEASED_IDLE_MS = 2_147_483_647;

/** The view of `consumer` on a group, over a connection for commands. */
export function streamGroupOn(
  redis: Redis,
  keys: Keys,
  { stream, group, consumer }: GroupOptions,
): StreamGroup {
  const key = keys.stream(stream);
  const extendEntries = defineScript(redis, "extendEntries", EXTEND_SCRIPT);
  const claimEntry = defineScript(redis, "claimEntry", CLAIM_SCRIPT);
  const restoreCount = defineScript(redis, "restoreDeliveryCount", RESTORE_COUNT_SCRIPT);
  const releaseEntries = defineScript(redis, "releaseEntries", RELEASE_SCRIPT);
  return {
    async read(blocking, { countMax, blockMs }) {
      const block = blockMs > 0 ? ["BLOCK", blockMs] : [];
      const args = ["GROUP", group, consumer, "COUNT", countMax, ...block, "STREAMS", key, ">"];
      const reply = await namingMissingGroup(blocking.call("XREADGROUP", ...args));
      const streams = reply as [string, RawEntry[]][] | null;
      return (streams?.[0]?.[1] ?? []).map(entryOf);
    },
    async pending({ after, ...options }) {
      const from = after === undefined ? "-" : `(${after}`;
      return namingMissingGroup(readPending(redis, { key, group, from, ...options }));
    },
    stillPending: async (ids) => stillPending(redis, { key, group }, ids),
    async fetch(ids) {
      const replies = await Promise.all(ids.map(async (id) => redis.xrange(key, id, id)));
      return replies.flat().map(entryOf);
    },
    async claim(id, idleMs, deliveries) {
      const reply = await namingMissingGroup(
        claimEntry([key], [group, consumer, idleMs, id, deliveries ?? ""]),
      );
      if (reply === "taken" || reply === "gone") return { status: reply };
      return { status: "claimed", entry: entryOf(reply as RawEntry) };
    },
    async restoreDeliveryCount(id, deliveries) {
      await namingMissingGroup(restoreCount([key], [group, consumer, id, deliveries]));
    },
    async release({ restoreDeliveryCount }) {
      const args = [group, consumer, RELEASED_IDLE_MS, restoreDeliveryCount ? 1 : 0];
      await namingMissingGroup(releaseEntries([key], args));
    },
    async extend(ids) {
      if (ids.length === 0) return [];
      const reply = await namingMissingGroup(extendEntries([key], [group, consumer, ...ids]));
      return (reply as unknown[]).map(String);
    },
  };
}

export interface PendingRange {
  /** Of the stream. */
  readonly key: string;
  readonly group: string;
  readonly from?: string;
  readonly to?: string;
  readonly idleMs?: number;
  readonly countMax: number;
}

/** What a group has pending, for any consumer, oldest first. */
export async function readPending(
  redis: Redis,
  { key, group, from = "-", to = "+", idleMs = 0, countMax }: PendingRange,
): Promise<PendingEntry[]> {
  const reply = await redis.call("XPENDING", key, group, "IDLE", idleMs, from, to, countMax);
  return (reply as RawPendingEntry[]).map(pendingEntryOf);
}

/** Which of these entries are pending in the group, for any consumer. */
export async function stillPending(
  redis: Redis,
  { key, group }: Pick<PendingRange, "key" | "group">,
  ids: readonly string[],
): Promise<string[]> {
  const replies = await Promise.all(
    ids.map(async (id) => namingMissingGroup(redis.xpending(key, group, id, id, 1))),
  );
  return ids.filter((_, i) => (replies[i]?.length ?? 0) > 0);
}

/** A pending entry as XPENDING answers it. */
export type RawPendingEntry = readonly [id: string, consumer: string, idleMs: number, deliveries: number];

export function pendingEntryOf([id, consumer, idleMs, deliveries]: RawPendingEntry): PendingEntry {
  // What was released is idle since then.
  return {
    id,
    consumer,
    idleMs: idleMs >= RELEASED_IDLE_MS ? idleMs - RELEASED_IDLE_MS : idleMs,
    deliveries,
  };
}

/** The second is the answer to a blocked read whose stream is deleted. */
const MISSING = /NOGROUP|UNBLOCKED the stream key no longer exists/;

/** The reply. @throws GroupMissingError when Redis says that the stream or the group does not exist */
export async function namingMissingGroup<T>(reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof Error && MISSING.test(error.message)) {
      throw new GroupMissingError(error.message, { cause: error });
    }
    throw error;
  }
}
