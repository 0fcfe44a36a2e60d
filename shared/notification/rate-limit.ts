import type { Notice } from "./notification.ts";
import { counted, NOTHING_SUMMED, type NoticeSum } from "./summary.ts";

/**
 * What may still be told in the minute that runs, and what is told when it is over. A state, and steps from one to the
 * next; `now` is any clock that only goes forward, in milliseconds. A minute begins with its first post.
 */
export interface NotificationMinute {
  readonly beganAt: number;
  readonly posts: number;
  /** Time spent posting, in ms. */
  readonly spentMs: number;
  /** What was not told one by one. */
  readonly sum: NoticeSum;
}

const MINUTE_MS = 60_000;
/** What a slow receiver does not take in half a minute it gets as a sum, so that telling never falls behind for long. */
const POSTING_MS_MAX = 30_000;

/** Nothing told yet. */
export const FIRST_MINUTE: NotificationMinute = {
  beganAt: -Infinity,
  posts: 0,
  spentMs: 0,
  sum: NOTHING_SUMMED,
};

/** Whether an outcome is told by itself, at once; if not, it is in the sum. */
export interface Offered {
  readonly minute: NotificationMinute;
  readonly alone: boolean;
}

/** The step an outcome makes. No minute begins while a sum is waiting, so nothing overtakes it. */
export function offered(
  before: NotificationMinute,
  notice: Notice,
  { now, postsMax }: { readonly now: number; readonly postsMax: number },
): Offered {
  const over = now >= endOf(before) && before.sum.count === 0;
  const minute = over ? { ...FIRST_MINUTE, beganAt: now } : before;
  const alone = minute.posts < postsMax && minute.spentMs < POSTING_MS_MAX;
  return alone
    ? { alone, minute: { ...minute, posts: minute.posts + 1 } }
    : { alone, minute: { ...minute, sum: counted(minute.sum, notice) } };
}

/** The step the end of a post makes. */
export function posted(minute: NotificationMinute, tookMs: number): NotificationMinute {
  return { ...minute, spentMs: minute.spentMs + tookMs };
}

/** The step a post makes that nobody took: the rest of the minute is summed up, so that trying in vain takes no time. */
export function postFailed(minute: NotificationMinute): NotificationMinute {
  return posted(minute, POSTING_MS_MAX);
}

/** When the sum is to be told; undefined while there is none. */
export function sumDueAt(minute: NotificationMinute): number | undefined {
  return minute.sum.count === 0 ? undefined : endOf(minute);
}

/** The step that takes the sum out, as the first post of the next minute; undefined when it is not due. */
export function sumTaken(
  before: NotificationMinute,
  now: number,
): { readonly minute: NotificationMinute; readonly sum: NoticeSum } | undefined {
  const dueAt = sumDueAt(before);
  if (dueAt === undefined || now < dueAt) return undefined;
  return { sum: before.sum, minute: { ...FIRST_MINUTE, beganAt: now, posts: 1 } };
}

function endOf({ beganAt }: NotificationMinute): number {
  return beganAt + MINUTE_MS;
}
