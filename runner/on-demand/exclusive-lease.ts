import type { Redis } from "ioredis";
import { takeLease, type Lease } from "../../shared/io/redis/lease.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import { FOR_EVER, retry } from "../engine/retry.ts";

/**
 * Does work that only one caller may do at a time, as soon as it holds the lease for it.
 * @throws LeaseTaken when another caller still holds the lease at the end of `waiting`
 */
export async function withLease<T>(redis: Redis, options: LeaseOptions, work: () => Promise<T>): Promise<T> {
  const lease = await takeWhenFree(redis, options);
  try {
    return await work();
  } finally {
    await lease.release();
  }
}

export interface LeaseOptions {
  /** Redis key of the lease. */
  readonly key: string;
  /** What the other caller is doing, for people. */
  readonly what: string;
  /** Longest time the work may take, in ms; after it a holder that has died blocks others for 10 s at most. */
  readonly workMsMax: number;
  /** When it aborts, the wait for the lease ends. */
  readonly waiting: AbortSignal;
}

/** Another caller holds the lease. */
export class LeaseTaken extends UnavailableError {}

const CHECK_MS_MAX = 500;
/** Room for the work to finish after its limit. */
const SPARE_MS = 10_000;

async function takeWhenFree(redis: Redis, { key, what, workMsMax, waiting }: LeaseOptions): Promise<Lease> {
  const leaseTaken = new LeaseTaken(what);
  try {
    return await retry(
      async () => {
        const lease = await takeLease(redis, key, workMsMax + SPARE_MS);
        if (lease === undefined) throw leaseTaken;
        return lease;
      },
      {
        ...FOR_EVER,
        minTimeout: 20,
        maxTimeout: CHECK_MS_MAX,
        signal: waiting,
        // Any other error, such as an unavailable Redis, is reported to the caller at once.
        shouldRetry: ({ error }) => error === leaseTaken,
      },
    );
  } catch (error) {
    throw waiting.aborted ? leaseTaken : error;
  }
}
