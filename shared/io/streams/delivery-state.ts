import type { Redis } from "ioredis";
import { compareEntryIds } from "../../entry-range.ts";
import type { Fields } from "../../entry.ts";
import type { Keys } from "../../keys.ts";
import { groupInfoOf } from "./group-info.ts";
import { entryOf, type RawEntry } from "./read-entries.ts";
import { pendingEntryOf, type PendingEntry, type RawPendingEntry } from "./stream-group.ts";

/** Where an entry of `signals_stream` is, according to Redis at one moment. */
export interface DeliveryState {
  /** Undefined when it is not (or no longer) in the stream. */
  readonly fields: Fields | undefined;
  readonly delivery: Delivery;
}

/**
 * `waiting`: not delivered to the group yet · `pending`: delivered and not acknowledged · `acknowledged`: neither, so it was
 * committed, or its id is lower than the one the group was started at.
 */
export type Delivery =
  | { readonly status: "waiting" | "acknowledged" }
  | ({ readonly status: "pending" } & Omit<PendingEntry, "id">);

const DECIDING_GROUP = "signal_processor";

/** Looks an entry up in its stream and in the group that decides. */
export async function deliveryStateOf(redis: Redis, keys: Keys, id: string): Promise<DeliveryState> {
  const key = keys.stream("signals_stream");
  // One transaction: an entry that is delivered meanwhile must not be seen in two states, or in none.
  const replies = await redis
    .multi()
    .xrange(key, id, id)
    .call("XPENDING", key, DECIDING_GROUP, id, id, 1)
    .call("XINFO", "GROUPS", key)
    .exec();
  const [entries = [], pending = [], groups = []] = (replies ?? []).map(([error, reply]) => {
    if (error === null) return reply as unknown[];
    // There is no stream or no group (yet), so no entry has been delivered.
    if (/NOGROUP|no such key/.test(error.message)) return [];
    throw error;
  });
  const [entry] = entries as RawEntry[];
  return {
    fields: entry === undefined ? undefined : entryOf(entry).fields,
    delivery: deliveryOf(id, pending as RawPendingEntry[], groups as unknown[][]),
  };
}

function deliveryOf(id: string, [pending]: RawPendingEntry[], groups: readonly unknown[][]): Delivery {
  if (pending !== undefined) {
    const { id: _, ...delivery } = pendingEntryOf(pending);
    return { status: "pending", ...delivery };
  }
  const group = groups.map(groupInfoOf).find(({ name }) => name === DECIDING_GROUP);
  const waiting = compareEntryIds(id, group?.lastDeliveredId ?? "0-0") > 0;
  return { status: waiting ? "waiting" : "acknowledged" };
}
