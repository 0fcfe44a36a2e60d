import type { Redis } from "ioredis";
import type { EntryRange } from "../../entry-range.ts";
import type { Entry } from "../../entry.ts";
import type { Keys } from "../../keys.ts";
import {
  currentEntryPages,
  entryOf,
  entryPages,
  newestEntryIds,
  PAGE_ENTRIES,
  type RawEntry,
} from "./read-entries.ts";

/** `signals_stream` read without a group: no consumer loses an entry, and no key changes. */
export interface SignalStream {
  /** The entries in a range, oldest first, page by page. */
  between(range: EntryRange): AsyncGenerator<readonly Entry[]>;
  /** Ids of the newest entries in a range, newest first; up to `countMax` of them. */
  newestIds(range: EntryRange, countMax: number): Promise<string[]>;
  /** All entries that are there now, oldest first, page by page. */
  all(): AsyncGenerator<readonly Entry[]>;
  /** Those of these entries that are in the stream, by id. */
  byId(ids: readonly string[]): Promise<Map<string, Entry>>;
}

/** The stream over a connection for commands. */
export function signalStreamOn(redis: Redis, keys: Keys): SignalStream {
  const key = keys.stream("signals_stream");
  return {
    between: (range) => entryPages(redis, key, range),
    newestIds: async (range, countMax) => newestEntryIds(redis, key, range, countMax),
    all: () => currentEntryPages(redis, key),
    async byId(ids) {
      const found = new Map<string, Entry>();
      for (let from = 0; from < ids.length; from += PAGE_ENTRIES) {
        const pipeline = redis.pipeline();
        for (const id of ids.slice(from, from + PAGE_ENTRIES)) pipeline.xrange(key, id, id);
        for (const [error, reply] of (await pipeline.exec()) ?? []) {
          if (error !== null) throw error;
          for (const entry of (reply as RawEntry[]).map(entryOf)) found.set(entry.id, entry);
        }
      }
      return found;
    },
  };
}
