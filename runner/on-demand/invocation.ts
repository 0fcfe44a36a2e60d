import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { readTime, type Clock } from "../../shared/io/redis/clock.ts";
import { publishInvocation } from "../../shared/io/streams/invocations.ts";
import type { Keys } from "../../shared/keys.ts";
import type { InvocationRecord } from "../../shared/records.ts";

/** Publishes the start of a manual run for the table `invocations`; the answer publishes its end. */
export async function beginInvocation(
  { kind, mode, requestedBy, reason, selection, id = randomUUID() }: InvocationRequest,
  { redis, keys, clock }: InvocationDeps,
): Promise<Invocation> {
  // Asked from Redis: the age of a forced replay's tasks is counted from it.
  const [snapshot, startedAt] = await Promise.all([redis.get(keys.referenceCurrent), readTime(redis)]);
  const record: InvocationRecord = {
    id,
    kind,
    mode: mode ?? null,
    snapshot,
    requested_by: requestedBy,
    reason,
    selection: { ...selection },
    started_at: new Date(startedAt).toISOString(),
    finished_at: null,
    counts: null,
  };
  await publishInvocation(redis, keys, record);
  return {
    id,
    startedAt,
    async finish(counts) {
      const finished_at = new Date(clock.now()).toISOString();
      await publishInvocation(redis, keys, { ...record, finished_at, counts: { ...counts } });
    },
  };
}

export interface InvocationRequest {
  readonly kind: InvocationRecord["kind"];
  readonly mode?: string;
  readonly requestedBy: string | null;
  readonly reason: string | null;
  /** What it is to work on. */
  readonly selection: Readonly<Record<string, unknown>>;
  /** Default: a new one. */
  readonly id?: string;
}

export interface InvocationDeps {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly clock: Clock;
}

/** A manual run that has begun. One that was broken off is never finished. */
export interface Invocation {
  readonly id: string;
  /** By Redis' clock, milliseconds since 1970. */
  readonly startedAt: number;
  finish(counts: Readonly<Record<string, number>>): Promise<void>;
}
