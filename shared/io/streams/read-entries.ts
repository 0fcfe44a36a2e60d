import type { Redis } from "ioredis";
import type { EntryRange } from "../../entry-range.ts";
import { fieldsOf, type Entry } from "../../entry.ts";
import { defineScript } from "../redis/connection.ts";

/** An entry as Redis answers it. */
export type RawEntry = readonly [id: string, fields: string[]];

/** Entries in one answer; few, since one may have 100 kB and more. */
export const PAGE_ENTRIES = 128;

/** Reads the entries in a range of the stream at `key`, oldest first, page by page, without a group. */
export async function* entryPages(
  redis: Redis,
  key: string,
  { from, to }: EntryRange,
): AsyncGenerator<readonly Entry[]> {
  for (let start = from; ;) {
    const page = (await redis.xrange(key, start, to, "COUNT", PAGE_ENTRIES)).map(entryOf);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    if (page.length < PAGE_ENTRIES) return;
    start = `(${last.id}`;
  }
}

/**
 * KEYS 1 the stream. ARGV 1 the last id, 2 the first one, 3 how many. Returns ids, newest first. Entries that are not wanted do
 * not come along.
 */
const NEWEST_IDS_SCRIPT = `#!lua flags=no-writes
local newest = redis.call('XREVRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])
for at, entry in ipairs(newest) do newest[at] = entry[1] end
return newest
`;

const PAGE_IDS = 1_000;

/** Ids of the newest entries in a range of the stream at `key`, newest first. */
export async function newestEntryIds(
  redis: Redis,
  key: string,
  { from, to }: EntryRange,
  countMax: number,
): Promise<string[]> {
  const newestIds = defineScript(redis, "newestIds", NEWEST_IDS_SCRIPT);
  const ids: string[] = [];
  for (let end = to; ids.length < countMax;) {
    const count = Math.min(PAGE_IDS, countMax - ids.length);
    const page = (await newestIds([key], [end, from, count])) as string[];
    ids.push(...page);
    if (page.length < count) break;
    end = `(${ids.at(-1) ?? ""}`;
  }
  return ids;
}

/** All entries that are in the stream now; those added meanwhile are not among them. */
export async function* currentEntryPages(redis: Redis, key: string): AsyncGenerator<readonly Entry[]> {
  const to = await lastEntryId(redis, key);
  if (to !== undefined) yield* entryPages(redis, key, { from: "-", to });
}

/** Id of the newest entry in a stream; undefined when there is none. */
export async function lastEntryId(redis: Redis, key: string): Promise<string | undefined> {
  const [newest] = await redis.xrevrange(key, "+", "-", "COUNT", 1);
  return newest?.[0];
}

export function entryOf([id, fields]: RawEntry): Entry {
  return { id, fields: fieldsOf(fields) };
}
