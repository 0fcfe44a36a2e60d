import type { Redis } from "ioredis";

/** A consumer group as XINFO GROUPS describes it. */
export interface GroupInfo {
  readonly name: string;
  readonly consumers: number;
  /** Delivered and not acknowledged. */
  readonly pending: number;
  readonly lastDeliveredId: string;
  /** Redis' own count of what is not delivered yet; null when Redis does not know. */
  readonly lag: number | null;
}

/** The groups of the stream at `key`; none when there is no stream. */
export async function readGroupInfos(redis: Redis, key: string): Promise<GroupInfo[]> {
  try {
    return ((await redis.xinfo("GROUPS", key)) as unknown[][]).map(groupInfoOf);
  } catch (error) {
    if (error instanceof Error && /no such key/.test(error.message)) return [];
    throw error;
  }
}

/** XINFO answers with a flat list of names and values. */
export function groupInfoOf(flat: readonly unknown[]): GroupInfo {
  const info = new Map<unknown, unknown>();
  for (let i = 0; i + 1 < flat.length; i += 2) info.set(flat[i], flat[i + 1]);
  const lag = info.get("lag");
  return {
    name: String(info.get("name")),
    consumers: Number(info.get("consumers")),
    pending: Number(info.get("pending")),
    lastDeliveredId: String(info.get("last-delivered-id")),
    lag: lag === null || lag === undefined ? null : Number(lag),
  };
}
