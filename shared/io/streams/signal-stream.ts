import type { Redis } from "ioredis";
import type { EntryRange } from "../../entry-range.ts";
import { fieldsOf, type Entry } from "../../entry.ts";
import type { Keys } from "../../keys.ts";

/** `signals_stream` read without a group: nothing is taken away from anyone, and no key changes. */
export interface SignalStream {
  /** The entries in a range, oldest first, page by page. */
  between(range: EntryRange): AsyncGenerator<readonly Entry[]>;
  /** All entries that are there now, oldest first, page by page. */
  all(): AsyncGenerator<readonly Entry[]>;
  /** Those of these entries that are in the stream, by id. */
  byId(ids: readonly string[]): Promise<Map<string, Entry>>;
}

/** An entry may have 100 kB and more, so a page is not large. */
const PAGE_COUNT = 128;

type RawEntry = readonly [id: string, fields: string[]];

/** The stream over a connection for commands. */
export function signalStreamOn(redis: Redis, keys: Keys): SignalStream {
  const key = keys.stream("signals_stream");

  async function* between({ from, to }: EntryRange): AsyncGenerator<readonly Entry[]> {
    for (let start = from; ;) {
      const page = (await redis.xrange(key, start, to, "COUNT", PAGE_COUNT)).map(entryOf);
      const last = page.at(-1);
      if (last === undefined) return;
      yield page;
      if (page.length < PAGE_COUNT) return;
      start = `(${last.id}`;
    }
  }

  return {
    between,
    async *all() {
      const [newest] = await redis.xrevrange(key, "+", "-", "COUNT", 1);
      if (newest !== undefined) yield* between({ from: "-", to: newest[0] });
    },
    async byId(ids) {
      const found = new Map<string, Entry>();
      for (let from = 0; from < ids.length; from += PAGE_COUNT) {
        const pipeline = redis.pipeline();
        for (const id of ids.slice(from, from + PAGE_COUNT)) pipeline.xrange(key, id, id);
        for (const [error, reply] of (await pipeline.exec()) ?? []) {
          if (error !== null) throw error;
          for (const entry of (reply as RawEntry[]).map(entryOf)) found.set(entry.id, entry);
        }
      }
      return found;
    },
  };
}

function entryOf([id, fields]: RawEntry): Entry {
  return { id, fields: fieldsOf(fields) };
}
