import type { Notice } from "./notification.ts";
import { counted, NOTHING_SUMMED, type NoticeSum } from "./summary.ts";

/**
 * What may still be sent in this minute, and the sum to be sent at its end; the functions below return the next state. A
 * minute starts with its first post. `now` is any clock that never goes back, in milliseconds.
 */
export interface NotificationMinute {
  readonly startedAt: number;
  readonly posts: number;
  /** Time spent posting, in ms. */
  readonly spentMs: number;
  /** What was not sent one by one. */
  readonly sum: NoticeSum;
}

const MINUTE_MS = 60_000;
/** After so much time spent posting, the rest of the minute becomes a sum, so that a slow receiver causes no long delay. */
const POSTING_MS_MAX = 30_000;

/** The state before the first notification. */
export const FIRST_MINUTE: NotificationMinute = {
  startedAt: -Infinity,
  posts: 0,
  spentMs: 0,
  sum: NOTHING_SUMMED,
};

/** `alone`: the outcome is sent by itself, now; otherwise it has been added to the sum. */
export interface Offered {
  readonly minute: NotificationMinute;
  readonly alone: boolean;
}

/** The state after one more outcome. No minute starts while a sum is waiting, so that no outcome overtakes it. */
export function offered(
  before: NotificationMinute,
  notice: Notice,
  { now, postsMax }: { readonly now: number; readonly postsMax: number },
): Offered {
  const over = now >= endOf(before) && before.sum.count === 0;
  const minute = over ? { ...FIRST_MINUTE, startedAt: now } : before;
  const alone = minute.posts < postsMax && minute.spentMs < POSTING_MS_MAX;
  return alone
    ? { alone, minute: { ...minute, posts: minute.posts + 1 } }
    : { alone, minute: { ...minute, sum: counted(minute.sum, notice) } };
}

/** The state after a post. */
export function posted(minute: NotificationMinute, tookMs: number): NotificationMinute {
  return { ...minute, spentMs: minute.spentMs + tookMs };
}

/** The state after a failed post: the rest of the minute is added to the sum, so that failing posts take no more time. */
export function postFailed(minute: NotificationMinute): NotificationMinute {
  return posted(minute, POSTING_MS_MAX);
}

/** When the sum is to be sent; undefined while there is none. */
export function sumDueAt(minute: NotificationMinute): number | undefined {
  return minute.sum.count === 0 ? undefined : endOf(minute);
}

/** Takes the sum out, as the first post of the next minute; undefined when it is not due. */
export function sumTaken(
  before: NotificationMinute,
  now: number,
): { readonly minute: NotificationMinute; readonly sum: NoticeSum } | undefined {
  const dueAt = sumDueAt(before);
  if (dueAt === undefined || now < dueAt) return undefined;
  return { sum: before.sum, minute: { ...FIRST_MINUTE, startedAt: now, posts: 1 } };
}

function endOf({ startedAt }: NotificationMinute): number {
  return startedAt + MINUTE_MS;
}
