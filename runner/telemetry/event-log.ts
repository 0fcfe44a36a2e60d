import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import pRetry from "p-retry";
import type { Logger } from "pino";
import { eventFields, type EventLevel, type SystemEvent } from "../../shared/events.ts";
import type { Clock } from "../../shared/io/redis/clock.ts";
import { addEvent } from "../../shared/io/streams/system-events.ts";
import type { Keys } from "../../shared/keys.ts";

/** Publishes operational events: to the process log at once, and through `system_events` to `system_log`. */
export interface EventLog {
  publish(event: SystemEvent): void;
  /** Resolves when every event published so far is in Redis, or after `msMax`. */
  flush(msMax: number): Promise<void>;
}

const LOG_METHODS = {
  DEBUG: "debug",
  INFO: "info",
  WARNING: "warn",
  ERROR: "error",
  CRITICAL: "fatal",
} as const;

/** While Redis is unavailable so many events wait; further ones are only in the process log. */
const WAITING_MAX = 1_000;

export function eventLogOn(redis: Redis, keys: Keys, clock: Clock, logger: Logger): EventLog {
  let waiting = 0;
  let sent: Promise<unknown> = Promise.resolve();
  return {
    publish(event) {
      logger[LOG_METHODS[event.level satisfies EventLevel]](
        { source: event.source, ...event.details },
        event.message,
      );
      if (waiting >= WAITING_MAX) return;
      waiting += 1;
      const fields = eventFields(event, clock.now());
      // In order, one after the other.
      sent = sent.then(async () =>
        pRetry(async () => addEvent(redis, keys, fields), {
          retries: Number.POSITIVE_INFINITY,
          // A waiting event does not keep the process alive.
          unref: true,
          minTimeout: 50,
          maxTimeout: 2_000,
          randomize: true,
        })
          .catch((error: unknown) => {
            logger.error(
              { err: error, event: event.message },
              "an event could not be published to system_events and is only in this log",
            );
          })
          .finally(() => {
            waiting -= 1;
          }),
      );
    },
    async flush(msMax) {
      const done = new AbortController();
      await Promise.race([sent, pause(msMax, undefined, { signal: done.signal }).catch(() => undefined)]);
      done.abort();
    },
  };
}
