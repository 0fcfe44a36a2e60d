import pRetry from "p-retry";
import type { NotifyPorts } from "../../functions/notify.ts";
import type { Config } from "../../shared/config/config.ts";
import { redactUrl } from "../../shared/config/redact-url.ts";
import { toError } from "../../shared/error-message.ts";
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
import type { PostAnswer, PostRequest } from "../../shared/strategy.ts";
import type { EventLog } from "../telemetry/event-log.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";
import { notificationPost } from "./notification-post.ts";

export interface NotifierDeps {
  readonly config: Pick<Config, "notifyOutcomes" | "notifyPerMinuteMax">;
  /** NOTIFY_URL */
  readonly url: string;
  readonly post: (request: PostRequest) => Promise<PostAnswer>;
  /** Adds what else is known about an outcome. */
  readonly complete: (notice: Notice) => Promise<Notice>;
  readonly events: EventLog;
  /** Nothing more is told one by one, and nothing tried again. */
  readonly stopping: AbortSignal;
  /** Ends the post under way. */
  readonly abort: AbortSignal;
}

/** What tells outcomes to NOTIFY_URL: one post each, up to the limit, then one for the rest of the minute. */
export interface Notifier extends NotifyPorts {
  /** Tells the last sum, once nothing more is offered. It is lost when the process ends without this. */
  close(): Promise<void>;
}

/** After 0.3 and 0.6 s or a little more; with three times two seconds without an answer, eight seconds in all. */
const RETRIES = { retries: 2, minTimeout: 300, randomize: true };

export function openNotifier(deps: NotifierDeps): Notifier {
  const { config, url, complete, events, stopping, abort } = deps;
  const post = notificationPost(deps);
  const what = `notifications do not get through to ${redactUrl(url)} and are dropped`;
  const reporter = failureReporter(events, { source: "notify", what });
  let minute = FIRST_MINUTE;
  let timer: NodeJS.Timeout | undefined;
  let telling: Promise<unknown> = Promise.resolve();

  /** Posts, a few times if need be; gives the error when all was in vain. */
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

  async function tellSum(sum: NoticeSum): Promise<void> {
    const error = await deliver(sumBody(sum));
    if (error !== undefined)
      reporter.failed(new Error(`${error.message} (the sum of ${sum.count} outcomes)`));
  }

  /** Sees to it that the sum, if there is one, is told when its minute is over. */
  function tellSumInTime(): void {
    const dueAt = sumDueAt(minute);
    if (timer !== undefined || dueAt === undefined || stopping.aborted) return;
    timer = setTimeout(
      () => {
        timer = undefined;
        const taken = sumTaken(minute, performance.now());
        if (taken !== undefined) {
          ({ minute } = taken);
          telling = tellSum(taken.sum);
        }
        tellSumInTime();
      },
      Math.max(1, dueAt - performance.now()),
    );
  }

  return {
    statuses: new Set(config.notifyOutcomes),
    stopping,
    offer(notice) {
      const step = offered(minute, notice, { now: performance.now(), postsMax: config.notifyPerMinuteMax });
      ({ minute } = step);
      tellSumInTime();
      return step.alone;
    },
    async send(notice) {
      const error = await deliver(noticeBody(await complete(notice)));
      // Whoever runs next may have more luck.
      if (error !== undefined && stopping.aborted) return false;
      if (error !== undefined) reporter.failed(error);
      return true;
    },
    async close() {
      clearTimeout(timer);
      await telling;
      const { sum } = minute;
      minute = { ...minute, sum: NOTHING_SUMMED };
      if (sum.count > 0) await tellSum(sum);
    },
  };
}
