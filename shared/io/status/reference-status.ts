import type { Redis } from "ioredis";
import type { Keys } from "../../keys.ts";

/** Reads which snapshot is current. */
export async function readReferenceStatus(redis: Redis, keys: Keys): Promise<ReferenceStatus> {
  const [version, confirmedAt] = await Promise.all([
    redis.get(keys.referenceCurrent),
    redis.get(keys.referenceConfirmedAt),
  ]);
  return { version, confirmedAt: confirmedAt === null ? null : Number(confirmedAt) };
}

export interface ReferenceStatus {
  /** Null when there is no snapshot. */
  readonly version: string | null;
  /** Last time it was found to be that of Postgres, milliseconds since 1970; null when it never was. */
  readonly confirmedAt: number | null;
}
