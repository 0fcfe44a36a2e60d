import type { Redis } from "ioredis";
import { eventFields } from "../../events.ts";
import type { Keys } from "../../keys.ts";
import { readTime } from "../redis/clock.ts";
import { defineScript } from "../redis/connection.ts";
import { adoptedField, type ForeignConsumer } from "./foreign-consumers.ts";
import { readGroupInfos } from "./group-info.ts";
import { readPending } from "./pending-entries.ts";

/** Ids of one event, and entries of one script. */
const PAGE_COUNT = 100;

/** The last entry that the group has given out: what a person decides about ends there. */
export async function lastDelivered(
  redis: Redis,
  keys: Keys,
  { stream, groupName }: Pick<ForeignConsumer, "stream" | "groupName">,
): Promise<string> {
  const found = (await readGroupInfos(redis, keys.stream(stream))).find(({ name }) => name === groupName);
  return found?.lastDeliveredId ?? "0-0";
}

/**
 * Takes what is pending for a foreign consumer, up to this entry, out of the pending list; an event in the same step has the ids.
 * Gives how many entries that were.
 */
export async function acknowledgeEntries(
  redis: Redis,
  keys: Keys,
  one: ForeignConsumer,
  { by, until }: { readonly by: string; readonly until: string },
): Promise<number> {
  const { stream, groupName: group, consumer } = one;
  const acknowledge = defineScript(redis, "acknowledgeForeign", ACKNOWLEDGE_SCRIPT);
  const key = keys.stream(stream);
  for (let count = 0; ;) {
    const page = await readPending(redis, { key, group, consumer, to: until, countMax: PAGE_COUNT });
    if (page.length === 0) return count;
    const ids = page.map(({ id }) => id);
    const message = `${ids.length} entries of ${stream} that were pending for ${consumer}, which is no router, in group ${group} were acknowledged by ${by}: this router does not process them`;
    const details = { stream, group, consumer, by, entries: ids };
    const event = eventFields(
      { level: "WARNING", source: "groups", message, details },
      await readTime(redis),
    );
    const args = [group, consumer, ids.length, ...ids, ...Object.entries(event).flat()];
    // Otherwise the consumer has acknowledged one of them meanwhile, or a router has claimed it.
    if ((await acknowledge([key, keys.stream("system_events")], args)) === 1) count += ids.length;
  }
}

/** Stores that routers decide what is pending for the consumer up to this entry, so that the next start does not ask. */
export async function storeAdoption(
  redis: Redis,
  keys: Keys,
  one: ForeignConsumer,
  { until }: { readonly until: string },
): Promise<void> {
  const store = defineScript(redis, "storeAdoption", STORE_SCRIPT);
  await store([keys.groups], [adoptedField(one), until]);
}

/** KEYS 1 groups. ARGV 1 field, 2 entry id. A script, since a Redis that has reached maxmemory refuses HSET. */
const STORE_SCRIPT = `#!lua flags=allow-oom
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
`;

/**
 * KEYS 1 the stream, 2 system_events. ARGV 1 group, 2 consumer, 3 how many entries, then their ids, then the fields of the event.
 * Acknowledges them and adds the event; returns 0, and does nothing, unless all of them are pending for the consumer.
 */
const ACKNOWLEDGE_SCRIPT = `#!lua flags=allow-oom
local stream, events, group, consumer, count = KEYS[1], KEYS[2], ARGV[1], ARGV[2], tonumber(ARGV[3])
for i = 4, 3 + count do
  if #redis.call('XPENDING', stream, group, ARGV[i], ARGV[i], 1, consumer) == 0 then return 0 end
end
redis.call('XADD', events, '*', unpack(ARGV, 4 + count))
redis.call('XACK', stream, group, unpack(ARGV, 4, 3 + count))
return 1
`;
