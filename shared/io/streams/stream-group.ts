import type { Redis } from "ioredis";
import type { Entry } from "../../entry.ts";
import type { Keys } from "../../keys.ts";
import { defineScript } from "../redis/connection.ts";
import { fieldsOfGroup } from "./in-flight-heartbeats.ts";
import { oldestOf, pagesOf } from "./pages.ts";
import {
  namingMissingGroup,
  pendingEntryOf,
  readPending,
  RELEASED_IDLE_MS,
  stillPending,
  type GroupOptions,
  type PendingEntry,
  type RawPendingEntry,
} from "./pending-entries.ts";
import { entryOf, type RawEntry } from "./read-entries.ts";
import {
  ABANDONED_SCRIPT,
  CLAIM_SCRIPT,
  COUNT_SCRIPT,
  EXTEND_SCRIPT,
  RELEASE_SCRIPT,
  SET_COUNTS_SCRIPT,
} from "./stream-group-scripts.ts";

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
  /**
   * Pending entries of other consumers without a heartbeat that have been idle for at least `idleMs`, oldest first, up to `countMax`:
   * those may be claimed.
   */
  abandoned(options: { idleMs: number; countMax: number }): Promise<PendingEntry[]>;
  /** The same of this consumer, without those that `isHeld` knows. */
  abandonedOwn(options: {
    idleMs: number;
    countMax: number;
    isHeld: (id: string) => boolean;
  }): Promise<PendingEntry[]>;
  /**
   * Makes this consumer the owner of those that are still idle and whose owner has no heartbeat, or is this consumer; what else is
   * asked for is left out. Counts no delivery. `clock_set`: Redis' clock does not show the time that was expected, so nothing is known about idle times.
   */
  claim(ids: readonly string[], options: ClaimOptions): Promise<readonly Claimed[] | "clock_set">;
  /** Counts a delivery of each of these that is pending for this consumer; gives their ids. */
  countDelivery(ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** Undoes deliveries that should not count: sets the counts of entries of this consumer. */
  setDeliveryCounts(entries: readonly DeliveryCount[]): Promise<void>;
  /** Lets other consumers claim at once what is pending for this one, as soon as it has no heartbeat. */
  release(): Promise<void>;
  /**
   * Resets the idle time of entries of this consumer, counting no delivery; gives the ids that are no longer pending for it.
   * An entry that was deleted from the stream stays pending, so that its result can still be committed.
   */
  extend(ids: readonly string[]): Promise<string[]>;
}

export type DeliveryCount = Pick<PendingEntry, "id" | "deliveries">;

export interface ClaimOptions {
  readonly idleMs: number;
  /** The time Redis' clock is expected to show, milliseconds since 1970. */
  readonly now: number;
  /** Only those with a delivery count of 0. */
  readonly unstarted?: true;
}

/** `gone`: it is still pending, for its consumer of before, but was deleted or trimmed from the stream, so its fields are lost. */
export type Claimed =
  | { readonly status: "claimed"; readonly entry: Entry; readonly deliveries: number }
  | { readonly status: "gone"; readonly id: string; readonly deliveries: number };

/** Entries that one script touches: about 1 ms. */
const PAGE_COUNT = 64;
/** Pending entries that one script reads. */
const PENDING_PAGE_COUNT = 500;
/** Redis' clock may differ by so much, in ms, from what a claim expects; a third of CLAIM_IDLE_MS where that is more. */
const CLOCK_OFF_MS_MAX = 1_000;

/** The view of `consumer` on a group, over a connection for commands. */
export function streamGroupOn(
  redis: Redis,
  keys: Keys,
  { stream, group: name, consumer }: GroupOptions,
): StreamGroup {
  const key = keys.stream(stream);
  const group = keys.group(name);
  const of = fieldsOfGroup({ stream, group: name });
  const extendEntries = defineScript(redis, "extendEntries", EXTEND_SCRIPT);
  const findAbandoned = defineScript(redis, "findAbandoned", ABANDONED_SCRIPT);
  const claimEntries = defineScript(redis, "claimEntries", CLAIM_SCRIPT);
  const countDeliveries = defineScript(redis, "countDeliveries", COUNT_SCRIPT);
  const setCounts = defineScript(redis, "setDeliveryCounts", SET_COUNTS_SCRIPT);
  const releaseEntries = defineScript(redis, "releaseEntries", RELEASE_SCRIPT);

  /** One page after the other is answered, but they are sent together: one round trip. */
  const inPages = async <Item, Reply>(
    items: readonly Item[],
    call: (page: readonly Item[]) => Promise<Reply>,
  ) => namingMissingGroup(Promise.all(pagesOf(items, PAGE_COUNT).map(call)));

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
    async abandoned({ idleMs, countMax }) {
      const args = [group, consumer, of, idleMs, countMax];
      const reply = await namingMissingGroup(findAbandoned([key, keys.heartbeats], args));
      const [each, ...lists] = reply as [number, ...RawPendingEntry[][]];
      return oldestOf(
        lists.map((list) => list.map(pendingEntryOf)),
        each,
      );
    },
    async abandonedOwn({ idleMs, countMax, isHeld }) {
      const found: PendingEntry[] = [];
      for (let from = "-"; ;) {
        const range = { key, group, from, idleMs, countMax: PENDING_PAGE_COUNT, consumer };
        const page = await namingMissingGroup(readPending(redis, range));
        found.push(...page.filter(({ id }) => !isHeld(id)));
        const last = page.at(-1);
        if (last === undefined || page.length < PENDING_PAGE_COUNT || found.length >= countMax)
          return found.slice(0, countMax);
        from = `(${last.id}`;
      }
    },
    async claim(ids, { idleMs, now, unstarted }) {
      const offMs = Math.max(CLOCK_OFF_MS_MAX, idleMs / 3);
      const bounds = [Math.floor(now - offMs), Math.ceil(now + offMs)];
      const args = [group, consumer, of, idleMs, ...bounds, unstarted === true ? "unstarted" : ""];
      const replies = await inPages(ids, async (page) =>
        claimEntries([key, keys.heartbeats], [...args, ...page]),
      );
      if (replies.includes("clock_set")) return "clock_set";
      return (replies as RawClaimed[][]).flat().map(claimedOf);
    },
    async countDelivery(ids) {
      const replies = await inPages(ids, async (page) => countDeliveries([key], [group, consumer, ...page]));
      return new Set((replies as string[][]).flat());
    },
    async setDeliveryCounts(entries) {
      await inPages(entries, async (page) => {
        const counts = page.flatMap(({ id, deliveries }) => [id, deliveries]);
        return setCounts([key], [group, consumer, ...counts]);
      });
    },
    async release() {
      for (let from = "-"; from !== "";) {
        const args = [group, consumer, RELEASED_IDLE_MS, PAGE_COUNT, from];
        from = String(await namingMissingGroup(releaseEntries([key], args)));
      }
    },
    async extend(ids) {
      const lost: string[] = [];
      // The next page only when this one is answered, so that others are served between them.
      for (const page of pagesOf(ids, PAGE_COUNT)) {
        const reply = await namingMissingGroup(extendEntries([key], [group, consumer, ...page]));
        lost.push(...(reply as unknown[]).map(String));
      }
      return lost;
    },
  };
}

type RawClaimed = readonly [id: string, deliveries: number, fields?: string[] | null];

function claimedOf([id, deliveries, fields]: RawClaimed): Claimed {
  return fields === undefined || fields === null
    ? { status: "gone", id, deliveries }
    : { status: "claimed", entry: entryOf([id, fields]), deliveries };
}
