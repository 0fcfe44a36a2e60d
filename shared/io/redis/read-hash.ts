import type { Redis } from "ioredis";

/**
 * Reads hashes of any size in pages: HGETALL of 20,000 fields keeps Redis busy for longer than everything else the router sends.
 * A field that is changed meanwhile has its old or its new value.
 */

/** Redis needs about 1 ms for so many fields of a usual strategy. */
const PAGE_FIELDS = 1_000;

export type RedisHash = Readonly<Record<string, string>>;

/** The hashes of these keys; a key that does not exist gives an empty one. @throws ReplyError for a key of another type */
export async function readHashes(redis: Redis, keys: readonly string[]): Promise<RedisHash[]> {
  const found = keys.map((key) => ({ key, cursor: "0", fields: new Map<string, string>() }));
  let unread = found;
  while (unread.length > 0) {
    const pipeline = redis.pipeline();
    for (const { key, cursor } of unread) pipeline.hscan(key, cursor, "COUNT", PAGE_FIELDS);
    const replies = (await pipeline.exec()) ?? [];
    for (const [index, hash] of unread.entries()) {
      const [error, reply] = replies[index] ?? [];
      if (error instanceof Error) throw error;
      const [cursor, flat] = reply as [string, string[]];
      for (let at = 0; at + 1 < flat.length; at += 2) hash.fields.set(flat[at] ?? "", flat[at + 1] ?? "");
      hash.cursor = cursor;
    }
    unread = unread.filter(({ cursor }) => cursor !== "0");
  }
  return found.map(({ fields }) => Object.fromEntries(fields));
}
