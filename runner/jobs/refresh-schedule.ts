import type { Redis } from "ioredis";
import type { RefreshResult } from "../../functions/refresh-reference.ts";
import type { EventLog } from "../telemetry/event-log.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";
import { startJob, type JobSchedule } from "./job-schedule.ts";

export interface RefreshScheduleDeps {
  /** Publishes by itself what a person should know. */
  readonly refresh: () => Promise<RefreshResult>;
  readonly events: EventLog;
  /** A connection of its own. */
  readonly subscriber: Redis;
  /** Pub/Sub channels, taken literally; any message on them asks for a refresh. */
  readonly channels: readonly string[];
  readonly everyMs: number;
  /** A refresh that failed is tried again after this long, or at the next turn if that is sooner. */
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
  const schedule: JobSchedule = startJob({
    async job() {
      // A subscription whose connection is dead without anybody knowing would miss messages for ever.
      subscriber.ping().catch(subscription.failed);
      const result = await refresh();
      // Somebody looked later and published, or Redis was emptied meanwhile: only another look tells.
      if (result.state === "refused") schedule.request();
    },
    everyMs,
    retryMs,
    reporter: failureReporter(events, {
      source,
      what: "the reference cannot be refreshed; decisions go on with the snapshot that is there, if any",
    }),
  });

  // Messages sent while the subscription was away are lost, so being back is a reason to look as well.
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
