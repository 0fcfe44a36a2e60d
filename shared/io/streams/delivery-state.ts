import type { Redis } from "ioredis";
import { compareEntryIds } from "../../entry-range.ts";
import type { Fields } from "../../entry.ts";
import type { Keys } from "../../keys.ts";
import { defineScript } from "../redis/connection.ts";
import { groupInfoOf } from "./group-info.ts";
import { pendingEntryOf, type PendingEntry, type RawPendingEntry } from "./pending-entries.ts";
import { entryOf, type RawEntry } from "./read-entries.ts";

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

/**
 * KEYS 1 the stream. ARGV 1 group, 2 entry id. Returns the entry as XRANGE does, XPENDING of it, XINFO GROUPS; empty when there is
 * no stream or no group (yet). In one step: an entry that is delivered meanwhile must not be seen in two states, or in none.
 */
const STATE_SCRIPT = `#!lua flags=no-writes
local stream, group, id = KEYS[1], ARGV[1], ARGV[2]
local function unlessMissing(reply)
  local error = reply['err']
  if error and (string.find(error, 'NOGROUP') or string.find(error, 'no such key')) then return {} end
  return reply
end
local pending = unlessMissing(redis.pcall('XPENDING', stream, group, id, id, 1))
if pending['err'] then return pending end
return { redis.call('XRANGE', stream, id, id), pending, unlessMissing(redis.pcall('XINFO', 'GROUPS', stream)) }
`;

/** Looks an entry up in its stream and in the group that decides. */
export async function deliveryStateOf(redis: Redis, keys: Keys, id: string): Promise<DeliveryState> {
  const read = defineScript(redis, "readDeliveryState", STATE_SCRIPT);
  const deciding = keys.group("signal_processor");
  const reply = await read([keys.stream("signals_stream")], [deciding, id]);
  const [[entry], pending, groups] = reply as [RawEntry[], RawPendingEntry[], unknown[][]];
  return {
    fields: entry === undefined ? undefined : entryOf(entry).fields,
    delivery: deliveryOf(id, pending, { groups, deciding }),
  };
}

function deliveryOf(
  id: string,
  [pending]: RawPendingEntry[],
  { groups, deciding }: { readonly groups: readonly unknown[][]; readonly deciding: string },
): Delivery {
  if (pending !== undefined) {
    const { id: _, ...delivery } = pendingEntryOf(pending);
    return { status: "pending", ...delivery };
  }
  const group = groups.map(groupInfoOf).find(({ name }) => name === deciding);
  const waiting = compareEntryIds(id, group?.lastDeliveredId ?? "0-0") > 0;
  return { status: waiting ? "waiting" : "acknowledged" };
}
