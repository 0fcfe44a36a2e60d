import type { Redis } from "ioredis";
import type { EntryRange } from "../../entry-range.ts";
import { fieldsOf, type Entry } from "../../entry.ts";

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
