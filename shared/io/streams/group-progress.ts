import type { Redis } from "ioredis";
import { compareEntryIds, type EntryRange } from "../../entry-range.ts";
import { fieldsOf, type Fields } from "../../entry.ts";
import { readGroupInfos } from "./group-info.ts";
import { readPending } from "./pending-entries.ts";

/** How far a group has come in its stream; read-only. */
export interface GroupProgress {
  /** Id of the last entry delivered to a consumer, also when it was skipped; undefined when there is no such group. */
  lastDelivered(): Promise<string | undefined>;
  /** Ids of entries in this range that were delivered and not acknowledged, oldest first. */
  pending(range: EntryRange): AsyncGenerator<string>;
  /** True when the group has acknowledged everything in the stream up to this id but pending entries that `mayWait`. */
  hasDone(upTo: string, options?: { readonly mayWait?: (fields: Fields) => boolean }): Promise<boolean>;
}

const PAGE_IDS = 1_000;

/** The progress of a group of the stream at `key`. */
export function groupProgressOn(redis: Redis, key: string, group: string): GroupProgress {
  async function lastDelivered(): Promise<string | undefined> {
    return (await readGroupInfos(redis, key)).find(({ name }) => name === group)?.lastDeliveredId;
  }

  async function* pending({ from, to }: EntryRange): AsyncGenerator<string> {
    for (let start = from; ;) {
      const entries = await readPending(redis, { key, group, from: start, to, countMax: PAGE_IDS });
      for (const { id } of entries) yield id;
      const last = entries.at(-1);
      if (last === undefined || entries.length < PAGE_IDS) return;
      start = `(${last.id}`;
    }
  }

  return {
    lastDelivered,
    pending,
    async hasDone(upTo, { mayWait = () => false } = {}) {
      const delivered = await lastDelivered();
      if (delivered === undefined) return false;
      // Entries that were trimmed before their delivery do not count as missing.
      const behind = compareEntryIds(delivered, upTo) < 0;
      if (behind && (await redis.xrange(key, `(${delivered}`, upTo, "COUNT", 1)).length > 0) return false;
      for await (const id of pending({ from: "-", to: upTo })) {
        const [entry] = await redis.xrange(key, id, id);
        if (entry === undefined || !mayWait(fieldsOf(entry[1]))) return false;
      }
      return true;
    },
  };
}
