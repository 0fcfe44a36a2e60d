import type { Redis } from "ioredis";

/** The last id of each of these streams, also of an entry that is deleted; of what cannot be read as a stream, why. */
export async function lastIdsOf(
  redis: Redis,
  streams: readonly string[],
): Promise<ReadonlyMap<string, string | Error>> {
  const pipeline = redis.pipeline();
  for (const stream of streams) pipeline.xinfo("STREAM", stream);
  const replies = (await pipeline.exec()) ?? [];
  return new Map(streams.map((stream, place) => [stream, lastIdIn(replies[place])]));
}

/** Before every entry: where to read a stream from that does not exist yet. */
const BEFORE_ALL = "0-0";

function lastIdIn([error, reply]: [error: Error | null, reply: unknown] = [null, undefined]): string | Error {
  if (error === null) {
    const parts = Array.isArray(reply) ? reply : [];
    return String(parts[parts.indexOf("last-generated-id") + 1]);
  }
  if (/no such key/i.test(error.message)) return BEFORE_ALL;
  if (/^(WRONGTYPE|NOPERM)/.test(error.message)) return error;
  throw error;
}

/** Waits until one of the streams has an entry after its id; on a connection for reads that block. */
export async function waitForEntryAfter(
  blocking: Redis,
  ids: ReadonlyMap<string, string>,
  blockMs: number,
): Promise<void> {
  await blocking.xread("COUNT", 1, "BLOCK", blockMs, "STREAMS", ...ids.keys(), ...ids.values());
}
