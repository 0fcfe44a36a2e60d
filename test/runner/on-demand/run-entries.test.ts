import { describe, expect, test } from "vitest";
import { budgetOf, timeLimitsOf } from "../../../runner/consume/budget.ts";
import { timeLimit } from "../../../runner/engine/time-limit.ts";
import { withIds } from "../../../runner/on-demand/posted-entries.ts";

const fields = { a: "b" };

describe("the ids of posted entries", () => {
  test("are those given; the others are taken as added now, one after the other, around ids that are taken", () => {
    const posted = [{ fields }, { id: "17-1", fields }, { fields }, { id: "5-0", fields }, { fields }];
    expect(withIds(posted, 17).map(({ id }) => id)).toEqual(["17-0", "17-1", "17-2", "5-0", "17-3"]);
  });

  test("are each there once, however many are made", () => {
    const ids = withIds(
      Array.from({ length: 1_000 }, (_, i) => (i % 3 === 0 ? { id: `17-${i}`, fields } : { fields })),
      17,
    ).map(({ id }) => id);
    expect(new Set(ids).size).toBe(1_000);
  });
});

test("nothing is left of a budget when the process stops, and the time for work with it is over", () => {
  const stop = new AbortController();
  const budget = budgetOf(10_000, stop.signal);
  const half = budget.half();
  const { stopping, abort } = timeLimitsOf(half, {});
  expect(half.leftMs()).toBeGreaterThan(0);
  stop.abort();
  expect([budget.leftMs(), half.leftMs(), stopping.aborted, abort.aborted]).toEqual([0, 0, true, false]);
  expect(timeLimitsOf(budget, {}).stopping.aborted).toBe(true);
});

test("a time limit comes, even where only what comes of it is kept", async () => {
  const limit = timeLimit(20, new AbortController().signal);
  await new Promise((resolve) => limit.addEventListener("abort", resolve));
  expect(limit.aborted).toBe(true);
});

test("a part of a budget that others come after has half of what is left at most", () => {
  const budget = budgetOf(10_000);
  expect(budget.half().leftMs()).toBeLessThanOrEqual(5_000);
  expect(budget.half().half().leftMs()).toBeLessThanOrEqual(2_500);
  expect(budgetOf(0).leftMs()).toBe(0);
});
