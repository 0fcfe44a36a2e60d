import type { Redis } from "ioredis";
import type { Unavailable } from "../../shared/function.ts";
import { TooFewReplicasError, type Confirm } from "../../shared/io/redis/confirm.ts";
import { runIdOf } from "../../shared/io/redis/connection.ts";
import type { EventLog } from "../telemetry/event-log.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";

/**
 * Whether replicas have the tasks that are about to be begun. After a fail-over that took back what Redis had said, another router
 * would begin them once more.
 */
export interface TasksConfirmed {
  /** To be called with each batch: what is begun from now on has been written and delivered after what was confirmed before. */
  delivered(): void;
  /** Before an attempt is begun, in its lane, so that the order stays. @throws TooFewReplicasError */
  beforeAttempt(): Promise<void>;
}

/** A master that is cut off from its replicas meanwhile begins no more tasks after this time, in ms. */
const CONFIRMED_MS_MAX = 1_000;

export function tasksConfirmed(
  { redis, confirm, events }: TasksConfirmedDeps,
  { onTooFew }: { readonly onTooFew: () => void },
): TasksConfirmed {
  const failures = failureReporter(events, { source: "execute-strategies", what: "no task is begun" });
  let deliveredAt = -Infinity;
  let confirmed: Confirmed | undefined;
  const isConfirmed = (): boolean =>
    confirmed !== undefined &&
    confirmed.at >= deliveredAt &&
    confirmed.at >= performance.now() - CONFIRMED_MS_MAX &&
    confirmed.server === runIdOf(redis);
  return {
    delivered() {
      deliveredAt = performance.now();
    },
    async beforeAttempt() {
      if (isConfirmed()) return;
      const asked = { at: performance.now(), server: runIdOf(redis) };
      try {
        await confirm();
      } catch (error) {
        if (error instanceof TooFewReplicasError && error.replicas !== undefined) onTooFew();
        failures.failed(error);
        throw error;
      }
      failures.recovered();
      confirmed = asked;
    },
  };
}

export interface TasksConfirmedDeps {
  /** The connection over which tasks are begun. */
  readonly redis: Redis;
  readonly confirm: Confirm;
  readonly events: EventLog;
}

/** For runs on demand, whose caller hears at once that replicas lack what was written for them; undefined: they have it. */
export async function unconfirmed(confirm: Confirm): Promise<Unavailable | undefined> {
  try {
    await confirm();
    return undefined;
  } catch (error) {
    if (!(error instanceof TooFewReplicasError)) throw error;
    return { status: "unavailable", what: "confirmation by replicas", error: error.message };
  }
}

/** When the last confirmation was asked for, and of which server. */
interface Confirmed {
  readonly at: number;
  readonly server: string | undefined;
}
