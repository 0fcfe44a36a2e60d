import type { Redis } from "ioredis";
import { compareEntryIds } from "../../entry-range.ts";
import { fieldsOf, type Fields } from "../../entry.ts";
import type { Keys } from "../../keys.ts";

/** Where an entry of `signals_stream` is, as Redis has it at one moment. */
export interface DeliveryState {
  /** Undefined when it is not in the stream (any more). */
  readonly fields: Fields | undefined;
  readonly delivery: Delivery;
}

/**
 * `waiting`: not delivered to the group yet · `pending`: delivered and not acknowledged · `acknowledged`: neither, so it was
 * committed, or lies before the place its group was started at.
 */
export type Delivery =
  | { readonly status: "waiting" | "acknowledged" }
  | {
      readonly status: "pending";
      readonly consumer: string;
      readonly idleMs: number;
      readonly deliveries: number;
    };

const GROUP = "signal_processor";

/** Looks an entry up in its stream and in the group that decides. */
export async function deliveryStateOf(redis: Redis, keys: Keys, id: string): Promise<DeliveryState> {
  const key = keys.stream("signals_stream");
  // One transaction, so that an entry delivered meanwhile cannot be in two places, or in none.
  const replies = await redis
    .multi()
    .xrange(key, id, id)
    .call("XPENDING", key, GROUP, id, id, 1)
    .call("XINFO", "GROUPS", key)
    .exec();
  const [entries, pending, groups] = (replies ?? []).map(([error, reply]) => {
    if (error === null) return reply as unknown[];
    // Nothing was ever published, or the group is not there (yet): nothing of it has been delivered.
    if (/NOGROUP|no such key/.test(error.message)) return [];
    throw error;
  });
  const [entry] = (entries ?? []) as [id: string, fields: string[]][];
  return {
    fields: entry === undefined ? undefined : fieldsOf(entry[1]),
    delivery: deliveryOf(id, pending ?? [], groups ?? []),
  };
}

function deliveryOf(id: string, pending: readonly unknown[], groups: readonly unknown[]): Delivery {
  const [own] = pending as readonly [string, consumer: string, idleMs: number, deliveries: number][];
  if (own !== undefined) {
    const [, consumer, idleMs, deliveries] = own;
    return { status: "pending", consumer, idleMs, deliveries };
  }
  // XINFO answers with flat lists of names and values.
  const infos = (groups as readonly unknown[][]).map((flat) => fieldsOf(flat.map(String)));
  const lastDelivered = infos.find((info) => info["name"] === GROUP)?.["last-delivered-id"] ?? "0-0";
  return { status: compareEntryIds(id, lastDelivered) > 0 ? "waiting" : "acknowledged" };
}
