import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import type { Clock } from "../../shared/io/redis/clock.ts";
import { publishInvocation } from "../../shared/io/streams/invocations.ts";
import type { Keys } from "../../shared/keys.ts";
import type { InvocationRecord } from "../../shared/records.ts";

export interface InvocationRequest {
  readonly kind: InvocationRecord["kind"];
  readonly mode?: string;
  readonly requestedBy: string | null;
  readonly reason: string | null;
  /** What it is to work on. */
  readonly selection: Readonly<Record<string, unknown>>;
  /** Default: one nobody else has. */
  readonly id?: string;
}

export interface InvocationDeps {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly clock: Clock;
}

/** A manual run that has begun; one that is broken off is never finished. */
export interface Invocation {
  readonly id: string;
  /** Redis' clock at its beginning, milliseconds since 1970. */
  readonly startedAt: number;
  finish(counts: Readonly<Record<string, number>>): Promise<void>;
}

/** Publishes that a manual run begins, on its way to the table `invocations`. */
export async function beginInvocation(
  { kind, mode, requestedBy, reason, selection, id = randomUUID() }: InvocationRequest,
  { redis, keys, clock }: InvocationDeps,
): Promise<Invocation> {
  const startedAt = clock.now();
  const record: InvocationRecord = {
    id,
    kind,
    mode: mode ?? null,
    snapshot: await redis.get(keys.referenceCurrent),
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
