import type { Redis } from "ioredis";
import { compareEntryIds, type EntryRange } from "../../entry-range.ts";

/** How far a group has come in its stream, only looked at. */
export interface GroupProgress {
  /** Id of the last entry delivered to somebody, also when it was skipped; undefined when there is no such group. */
  lastDelivered(): Promise<string | undefined>;
  /** Ids of entries in this range that were delivered and not acknowledged, oldest first. */
  pending(range: EntryRange): AsyncGenerator<string>;
  /** True when the group has acknowledged everything that is in the stream up to this id. */
  hasDone(upTo: string): Promise<boolean>;
}

const PAGE_COUNT = 1_000;

/** The progress of a group of the stream at `key`. */
export function groupProgressOn(redis: Redis, key: string, group: string): GroupProgress {
  async function lastDelivered(): Promise<string | undefined> {
    const groups = await infoOf(redis.xinfo("GROUPS", key));
    const own = groups?.map(mapOf).find((info) => info.get("name") === group);
    return own === undefined ? undefined : String(own.get("last-delivered-id"));
  }

  async function pendingPage(start: string, to: string, count: number): Promise<string[]> {
    return ((await redis.xpending(key, group, start, to, count)) as [id: string][]).map(([id]) => id);
  }

  return {
    lastDelivered,
    async *pending({ from, to }) {
      for (let start = from; ;) {
        const ids = await pendingPage(start, to, PAGE_COUNT);
        yield* ids;
        const last = ids.at(-1);
        if (last === undefined || ids.length < PAGE_COUNT) return;
        start = `(${last}`;
      }
    },
    async hasDone(upTo) {
      const delivered = await lastDelivered();
      if (delivered === undefined) return false;
      // What was trimmed before it was delivered is not waited for.
      const behind = compareEntryIds(delivered, upTo) < 0;
      if (behind && (await redis.xrange(key, `(${delivered}`, upTo, "COUNT", 1)).length > 0) return false;
      return (await pendingPage("-", upTo, 1)).length === 0;
    },
  };
}

/** Id of the newest entry that is in a stream; undefined when there is none. */
export async function lastEntryId(redis: Redis, key: string): Promise<string | undefined> {
  const [newest] = await redis.xrevrange(key, "+", "-", "COUNT", 1);
  return newest?.[0];
}

/** Redis answers XINFO with an error when there is no stream. */
async function infoOf(reply: Promise<unknown>): Promise<unknown[][] | undefined> {
  try {
    return (await reply) as unknown[][];
  } catch (error) {
    if (error instanceof Error && /no such key/.test(error.message)) return undefined;
    throw error;
  }
}

/** The maps XINFO answers with, which arrive as flat lists. */
function mapOf(flat: readonly unknown[]): Map<string, unknown> {
  const info = new Map<string, unknown>();
  for (let i = 0; i + 1 < flat.length; i += 2) info.set(String(flat[i]), flat[i + 1]);
  return info;
}
