import pRetry from "p-retry";
import type { NotifyPorts } from "../../functions/notify.ts";
import type { Config } from "../../shared/config/config.ts";
import { redactUrl } from "../../shared/config/redact-url.ts";
import { toError } from "../../shared/error-message.ts";
import { dropCounter } from "../../shared/metrics.ts";
import { noticeBody, type Notice, type NotificationBody } from "../../shared/notification/notification.ts";
import {
  FIRST_MINUTE,
  offered,
  posted,
  postFailed,
  sumDueAt,
  sumTaken,
} from "../../shared/notification/rate-limit.ts";
import { NOTHING_SUMMED, sumBody, type NoticeSum } from "../../shared/notification/summary.ts";
import type { EventLog } from "../telemetry/event-log.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";
import { notificationPost, RefusedError, type NotificationPostDeps } from "./notification-post.ts";

/** Posts outcomes to NOTIFY_URL: one post each up to the limit, then one post that sums up the rest of the minute. */
export function openNotifier(deps: NotifierDeps): Notifier {
  const { config, url, complete, nameStrategies, events, count, stopping, abort } = deps;
  const post = notificationPost(deps);
  const what = `notifications cannot be delivered to ${redactUrl(url)} and are dropped`;
  const reporter = failureReporter(events, { source: "notify", what });
  let minute = FIRST_MINUTE;
  let timer: NodeJS.Timeout | undefined;
  let sendingSum: Promise<unknown> = Promise.resolve();

  /** Posts, with retries; gives the last error when every attempt failed. */
  async function deliver(body: NotificationBody): Promise<Error | undefined> {
    const startedAt = performance.now();
    try {
      const shouldRetry = (): boolean => !stopping.aborted;
      await pRetry(async () => post(body), { ...RETRIES, signal: abort, shouldRetry });
      minute = posted(minute, performance.now() - startedAt);
      reporter.recovered();
      return undefined;
    } catch (error) {
      minute = postFailed(minute);
      return toError(error);
    }
  }

  async function sendSum(sum: NoticeSum): Promise<void> {
    const error = await deliver(sumBody(sum, await nameStrategies(sum)));
    if (error === undefined) return;
    dropped(error, sum.count);
    reporter.failed(new Error(`${error.message} (the sum of ${sum.count} outcomes)`));
  }

  function dropped(error: Error, outcomes: number): void {
    count(dropCounter(error instanceof RefusedError ? "refused" : "failed"), outcomes);
  }

  /** Sends the sum, if there is one, at the end of its minute. */
  function scheduleSum(): void {
    const dueAt = sumDueAt(minute);
    if (timer !== undefined || dueAt === undefined || stopping.aborted) return;
    timer = setTimeout(sendDueSum, Math.max(1, dueAt - performance.now()));
  }

  function sendDueSum(): void {
    timer = undefined;
    const due = sumTaken(minute, performance.now());
    if (due !== undefined) {
      ({ minute } = due);
      sendingSum = sendSum(due.sum);
    }
    scheduleSum();
  }

  return {
    statuses: new Set(config.notifyOutcomes),
    stopping,
    offer(notice) {
      const step = offered(minute, notice, { now: performance.now(), postsMax: config.notifyPerMinuteMax });
      ({ minute } = step);
      scheduleSum();
      return step.alone;
    },
    async send(notice) {
      const error = await deliver(noticeBody(await complete(notice)));
      // The next process tries it again.
      if (error !== undefined && stopping.aborted) return false;
      if (error !== undefined) {
        dropped(error, 1);
        reporter.failed(error);
      }
      return true;
    },
    async close() {
      clearTimeout(timer);
      await sendingSum;
      const { sum } = minute;
      minute = { ...minute, sum: NOTHING_SUMMED };
      if (sum.count > 0) await sendSum(sum);
    },
  };
}

export interface NotifierDeps extends NotificationPostDeps {
  readonly config: Pick<Config, "notifyOutcomes" | "notifyPerMinuteMax">;
  /** Adds what else is known about an outcome. */
  readonly complete: (notice: Notice) => Promise<Notice>;
  /** The names of the strategies in a sum, as far as they are known. */
  readonly nameStrategies: (sum: NoticeSum) => Promise<ReadonlyMap<number, string>>;
  readonly events: EventLog;
  /** Raises a counter. */
  readonly count: (counter: string, by: number) => void;
  /** When it aborts, no further outcome gets a post of its own, and no post is retried. */
  readonly stopping: AbortSignal;
}

export interface Notifier extends NotifyPorts {
  /** Sends the last sum, once nothing more is offered. The sum is lost when the process ends without this. */
  close(): Promise<void>;
}

/** After 0.3 and 0.6 s or a little more; with three posts of four seconds at most, thirteen seconds in all. */
const RETRIES = { retries: 2, minTimeout: 300, randomize: true };
