import type { Redis } from "ioredis";
import type { RefreshResult } from "../../functions/refresh-reference.ts";
import { redisRefusalIn } from "../../shared/redis-refusal.ts";
import type { EventLog } from "../telemetry/event-log.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";
import { startJob, type JobSchedule } from "./job-schedule.ts";
import { watchReferenceStreams, type ReferenceStreamsDeps } from "./reference-streams.ts";

export interface RefreshScheduleDeps {
  /** Publishes what is new in the reference. */
  readonly refresh: () => Promise<RefreshResult>;
  readonly events: EventLog;
  /** A connection of its own. */
  readonly subscriber: Redis;
  /** Pub/Sub channels, taken literally; any message on them asks for a refresh. */
  readonly channels: readonly string[];
  /** Streams of which any entry asks for a refresh; undefined: there are none. */
  readonly streams?: Pick<ReferenceStreamsDeps, "streams" | "blocking" | "blockMs"> | undefined;
  readonly everyMs: number;
  /** A refresh that failed is repeated after this long, or at the next turn if that is sooner. */
  readonly retryMs?: number;
}

/** A person who changes a row of the reference waits for no longer than this and two refreshes, however many changes there are. */
const REST_MS_MIN = 50;
const REST_MS_MAX = 1_000;

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
      subscriber.ping().catch((error: unknown) => {
        // A refusal is an answer, too: a Redis that cannot save its data refuses PING.
        if (redisRefusalIn(error) === undefined) subscription.failed(error);
      });
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
    // Messages without end would keep Postgres busy all the time: a refresh is followed by as long a rest.
    restMs: (tookMs) => Math.min(REST_MS_MAX, Math.max(REST_MS_MIN, tookMs)),
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

  const watching =
    deps.streams === undefined
      ? undefined
      : watchReferenceStreams({ ...deps.streams, events, onEntries: () => schedule.request() });

  return {
    ...schedule,
    async stop() {
      subscriber.disconnect();
      await watching?.stop();
      return schedule.stop();
    },
  };
}
