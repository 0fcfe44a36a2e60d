import type { Redis } from "ioredis";
import { takeLease, type Lease } from "../../shared/io/redis/lease.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import { retry } from "../engine/retry.ts";

/** Somebody else does it, and goes on doing it. */
export class LeaseTaken extends UnavailableError {}

export interface LeaseOptions {
  /** Redis key of the lease. */
  readonly key: string;
  /** What others do who have it, for people. */
  readonly what: string;
  /** How long it lasts, in ms, longer than the work: a holder that has died is in the way for that long. */
  readonly lifeMs: number;
  /** When it aborts, it is not waited for any longer. */
  readonly waiting: AbortSignal;
}

const CHECK_MS_MAX = 500;
/** What a lease lasts longer than the limit of what is done under it, which has to come to its end. */
export const LEASE_SPARE_MS = 10_000;

/** Does what only one may do at a time, as soon as nobody else does it. @throws LeaseTaken when somebody else still does it when `waiting` ends */
export async function withLease<T>(redis: Redis, options: LeaseOptions, work: () => Promise<T>): Promise<T> {
  const lease = await takeWhenFree(redis, options);
  try {
    return await work();
  } finally {
    await lease.release();
  }
}

async function takeWhenFree(redis: Redis, { key, what, lifeMs, waiting }: LeaseOptions): Promise<Lease> {
  const isOthers = new LeaseTaken(what);
  try {
    return await retry(
      async () => {
        const lease = await takeLease(redis, key, lifeMs);
        if (lease === undefined) throw isOthers;
        return lease;
      },
      {
        retries: Number.POSITIVE_INFINITY,
        minTimeout: 20,
        maxTimeout: CHECK_MS_MAX,
        randomize: true,
        signal: waiting,
        // Redis being away is for whoever asks to know at once.
        shouldRetry: ({ error }) => error === isOthers,
      },
    );
  } catch (error) {
    throw waiting.aborted ? isOthers : error;
  }
}
