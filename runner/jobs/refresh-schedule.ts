import type { Redis } from "ioredis";
import type { RefreshResult } from "../../functions/refresh-reference.ts";
import type { EventLog } from "../telemetry/event-log.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";
import { startJob, type JobSchedule } from "./job-schedule.ts";

export interface RefreshScheduleDeps {
  /** Publishes what is new in the reference. */
  readonly refresh: () => Promise<RefreshResult>;
  readonly events: EventLog;
  /** A connection of its own. */
  readonly subscriber: Redis;
  /** Pub/Sub channels, taken literally; any message on them asks for a refresh. */
  readonly channels: readonly string[];
  readonly everyMs: number;
  /** A refresh that failed is repeated after this long, or at the next turn if that is sooner. */
  readonly retryMs?: number;
}

/** Keeps the reference fresh until it is stopped. */
export function startRefreshSchedule(deps: RefreshScheduleDeps): JobSchedule {
  const { refresh, events, subscriber, channels, everyMs, retryMs = 2_000 } = deps;
  const source = "refresh-reference";
  const subscription = failureReporter(events, {
    source,
    what: `cannot subscribe to ${channels.join(", ")}`,
  });
  let isFirst = true;
  const schedule: JobSchedule = startJob({
    async job() {
      // Without it a subscription on a dead connection would miss messages for ever.
      subscriber.ping().catch(subscription.failed);
      const result = await refresh();
      // Once at the start also of what was found before: a person may have started the router to see it.
      if (isFirst && result.state !== "published")
        for (const event of result.faultEvents) events.publish(event);
      isFirst = false;
      // Another router published a later version, or Redis was emptied meanwhile: only another refresh can tell.
      if (result.state === "refused") schedule.request();
    },
    everyMs,
    retryMs,
    reporter: failureReporter(events, {
      source,
      what: "the reference cannot be refreshed; decisions go on with the snapshot that is there, if any",
    }),
  });

  // Messages sent while the subscription was interrupted are lost, so its return asks for a refresh as well.
  subscriber.on("ready", () => {
    subscriber.subscribe(...channels).then(() => {
      subscription.recovered();
      schedule.request();
    }, subscription.failed);
  });
  subscriber.on("message", () => schedule.request());

  return {
    ...schedule,
    async stop() {
      subscriber.disconnect();
      return schedule.stop();
    },
  };
}
