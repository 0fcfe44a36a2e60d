import type { Redis } from "ioredis";
import type { RefreshResult } from "../functions/refresh-reference.ts";
import type { EventLog } from "./event-log.ts";
import { troubleOf } from "./trouble.ts";

export interface RefreshScheduleDeps {
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
export interface RefreshSchedule {
  /** Asks for a refresh now; if one is under way, another follows it, since that one may have looked too early. */
  request(): void;
  stop(): Promise<void>;
}

export function startRefreshSchedule(deps: RefreshScheduleDeps): RefreshSchedule {
  const { refresh, events, subscriber, channels, everyMs, retryMs = 2_000 } = deps;
  const source = "refresh-reference";
  const trouble = troubleOf(events, {
    source,
    what: "the reference cannot be refreshed; decisions go on with the snapshot that is there, if any",
  });
  const subscription = troubleOf(events, { source, what: `cannot subscribe to ${channels.join(", ")}` });
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = false;

  function request(): void {
    if (stopped) return;
    if (running !== undefined) {
      again = true;
      return;
    }
    clearTimeout(timer);
    running = refreshOnce().then((nextMs) => {
      running = undefined;
      if (stopped) return;
      if (again) {
        again = false;
        request();
      } else {
        timer = setTimeout(request, nextMs);
      }
    });
  }

  /** Gives the time to wait until the next one. */
  async function refreshOnce(): Promise<number> {
    try {
      const result = await refresh();
      trouble.over();
      for (const event of result.events) events.publish(event);
      return everyMs;
    } catch (error) {
      trouble.failed(error);
      return Math.min(everyMs, retryMs);
    }
  }

  // Messages sent while the subscription was away are lost, so being back is a reason to look as well.
  subscriber.on("ready", () => {
    subscriber.subscribe(...channels).then(() => {
      subscription.over();
      request();
    }, subscription.failed);
  });
  subscriber.on("message", request);

  request();
  return {
    request,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      subscriber.disconnect();
      await running;
    },
  };
}
