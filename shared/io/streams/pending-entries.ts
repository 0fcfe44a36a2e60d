import type { Redis } from "ioredis";
import { compareEntryIds } from "../../entry-range.ts";
import type { GroupName, StreamName } from "../../keys.ts";

export interface GroupOptions {
  readonly stream: StreamName;
  readonly group: GroupName;
  readonly consumer: string;
}

/** Set as the idle time of what is released: longer than any CLAIM_IDLE_MS. */
export const RELEASED_IDLE_MS = 2_147_483_647;

/** An entry delivered to a consumer and not acknowledged. */
export interface PendingEntry {
  readonly id: string;
  readonly consumer: string;
  readonly idleMs: number;
  /** Times it was delivered, by Redis' own count. */
  readonly deliveries: number;
}

export interface PendingRange {
  /** Of the stream. */
  readonly key: string;
  readonly group: string;
  readonly from?: string;
  readonly to?: string;
  readonly idleMs?: number;
  readonly countMax: number;
  /** Only those of this one. */
  readonly consumer?: string;
}

/** What a group has pending, oldest first. */
export async function readPending(
  redis: Redis,
  { key, group, from = "-", to = "+", idleMs = 0, countMax, consumer }: PendingRange,
): Promise<PendingEntry[]> {
  const of = consumer === undefined ? [] : [consumer];
  const reply = await redis.call("XPENDING", key, group, "IDLE", idleMs, from, to, countMax, ...of);
  return (reply as RawPendingEntry[]).map(pendingEntryOf);
}

/** Up to so many entries are looked up one by one; more of them in pages of all that are pending. */
const LOOKED_UP_MAX = 32;
const PAGE_COUNT = 500;

/** Which of these entries are pending in the group, for any consumer. */
export async function stillPending(
  redis: Redis,
  { key, group }: Pick<PendingRange, "key" | "group">,
  ids: readonly string[],
): Promise<string[]> {
  if (ids.length <= LOOKED_UP_MAX) {
    const replies = await Promise.all(
      ids.map(async (id) => namingMissingGroup(redis.xpending(key, group, id, id, 1))),
    );
    return ids.filter((_, i) => (replies[i]?.length ?? 0) > 0);
  }
  const sorted = ids.toSorted(compareEntryIds);
  const to = sorted.at(-1) ?? "+";
  const pending = new Set<string>();
  for (let from = sorted[0] ?? "-"; ;) {
    const page = await namingMissingGroup(readPending(redis, { key, group, from, to, countMax: PAGE_COUNT }));
    for (const { id } of page) pending.add(id);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_COUNT) return ids.filter((id) => pending.has(id));
    from = `(${last.id}`;
  }
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

/** The stream or its group does not exist: nothing can be read until it is created (see groups.ts). */
export class GroupMissingError extends Error {
  override readonly name = "GroupMissingError";
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
