import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { noticesIn, type Notice } from "../../../shared/notification/notification.ts";
import {
  FIRST_MINUTE,
  offered,
  posted,
  postFailed,
  sumDueAt,
  sumTaken,
  type NotificationMinute,
} from "../../../shared/notification/rate-limit.ts";
import { outcomeEntry } from "../../records.ts";

const MINUTE = 60_000;
const [NOTICE] = noticesIn(outcomeEntry({ status: "failed" }), new Set(["failed"])) as [Notice];

/** Goes from state to state and keeps the last one. */
function sequence(postsMax: number, minute: NotificationMinute = FIRST_MINUTE) {
  const posts: number[] = [];
  const seen = { offered: 0, alone: 0, summed: 0 };
  return {
    posts,
    seen,
    get minute() {
      return minute;
    },
    offer(now: number, times = 1) {
      for (let i = 0; i < times; i += 1) {
        const step = offered(minute, NOTICE, { now, postsMax });
        ({ minute } = step);
        seen.offered += 1;
        if (!step.alone) continue;
        seen.alone += 1;
        posts.push(now);
      }
    },
    takeSum(now: number) {
      const taken = sumTaken(minute, now);
      if (taken === undefined) return;
      ({ minute } = taken);
      seen.summed += taken.sum.count;
      posts.push(now);
    },
    post(tookMs: number) {
      minute = posted(minute, tookMs);
    },
    fail() {
      minute = postFailed(minute);
    },
  };
}

describe("a minute", () => {
  test("up to the limit each outcome is sent by itself, then all are added to the sum", () => {
    const t = sequence(5);
    t.offer(1_000, 100);
    expect(t.seen.alone).toBe(5);
    expect(t.minute.sum.count).toBe(95);
  });

  test("starts with its first post, and the sum is due at its end and not before", () => {
    const t = sequence(1);
    t.offer(7_000, 2);
    expect(sumDueAt(t.minute)).toBe(7_000 + MINUTE);
    t.takeSum(7_000 + MINUTE - 1);
    expect(t.seen.summed).toBe(0);
    t.takeSum(7_000 + MINUTE);
    expect(t.seen.summed).toBe(1);
    expect(sumDueAt(t.minute)).toBeUndefined();
  });

  test("the sum is the first post of the next minute", () => {
    const t = sequence(3);
    t.offer(0, 10);
    t.takeSum(MINUTE);
    t.offer(MINUTE, 10);
    expect(t.seen.alone).toBe(3 + 2);
  });

  test("outcomes that come while a sum is waiting are added to it, so that nothing is sent out of order", () => {
    const t = sequence(1);
    t.offer(0, 2);
    t.offer(2 * MINUTE);
    expect(t.minute.sum.count).toBe(2);
  });

  test("that has ended without a sum is followed by a new one", () => {
    const t = sequence(1);
    t.offer(0);
    t.offer(MINUTE - 1);
    t.takeSum(MINUTE);
    t.offer(2 * MINUTE);
    expect(t.seen).toEqual({ offered: 3, alone: 2, summed: 1 });
  });

  test("in which a post has failed, or posts have taken half of it, allows no more posts", () => {
    const failing = sequence(5);
    failing.offer(0);
    failing.fail();
    failing.offer(1_000);
    const slow = sequence(5);
    slow.offer(0);
    slow.post(29_999);
    slow.offer(30_000);
    slow.post(1);
    slow.offer(31_000);
    expect([failing.seen.alone, slow.seen.alone]).toEqual([1, 2]);
    failing.takeSum(MINUTE);
    failing.offer(MINUTE);
    expect(failing.seen).toEqual({ offered: 3, alone: 2, summed: 1 });
  });
});

test("there are never more posts than the maximum in a minute, and every outcome is sent or summed up", () => {
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ does: fc.constant("offer" as const), times: fc.integer({ min: 1, max: 30 }) }),
    },
    { weight: 3, arbitrary: fc.record({ does: fc.constant("takeSum" as const) }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant("fail" as const) }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant("post" as const), tookMs: fc.nat(20_000) }) },
  );
  const steps = fc.array(fc.tuple(fc.oneof(fc.nat(1_000), fc.nat(90_000)), step), { maxLength: 100 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 }), steps, (postsMax, all) => {
      const t = sequence(postsMax);
      let now = 0;
      for (const [later, what] of all) {
        now += later;
        if (what.does === "offer") t.offer(now, what.times);
        if (what.does === "takeSum") t.takeSum(now);
        if (what.does === "fail") t.fail();
        if (what.does === "post") t.post(what.tookMs);
        expect(t.seen.alone + t.seen.summed + t.minute.sum.count).toBe(t.seen.offered);
      }
      expect(mostPerMinute(t.posts)).toBeLessThanOrEqual(postsMax);
      // Nothing stays in a sum for ever.
      t.takeSum(sumDueAt(t.minute) ?? 0);
      expect(t.seen.alone + t.seen.summed).toBe(t.seen.offered);
    }),
  );
});

/** Posts of the fullest minute; each minute starts with the first post after the one before. */
function mostPerMinute(posts: readonly number[]): number {
  let [most, inThis, startedAt] = [0, 0, -Infinity];
  for (const at of posts) {
    if (at - startedAt >= MINUTE) [inThis, startedAt] = [0, at];
    inThis += 1;
    most = Math.max(most, inThis);
  }
  return most;
}
