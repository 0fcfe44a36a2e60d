import { expect, test } from "vitest";
import { noticesIn, type Notice } from "../../../shared/notification/notification.ts";
import { counted, NOTHING_SUMMED, sumBody, type NoticeSum } from "../../../shared/notification/summary.ts";
import { outcomeEntry } from "../../records.ts";

function failure(strategyId: number, reason: string | null): Notice {
  const entry = outcomeEntry({ status: "failed", strategy_id: strategyId, reason });
  const [notice] = noticesIn(entry, new Set(["failed"]));
  if (notice === undefined) throw new Error("nothing to tell");
  return notice;
}

function sumOf(
  ...failures: readonly [times: number, strategyId: number, reason: string | null][]
): NoticeSum {
  return failures
    .flatMap(([times, strategyId, reason]) => Array<Notice>(times).fill(failure(strategyId, reason)))
    .reduce(counted, NOTHING_SUMMED);
}

test("outcomes are counted by status, reason and strategy, the most frequent kind first", () => {
  const { text, content, outcomes, summed_up } = sumBody(
    sumOf([2, 9, null], [30, 7, "timeout"], [3, 9, "timeout"]),
  );
  expect(text).toBe(
    "and 35 more: 30 failed (timeout) of strategy 7, 3 failed (timeout) of strategy 9, 2 failed of strategy 9",
  );
  expect(content).toBe(text);
  expect(outcomes).toEqual([]);
  expect(summed_up).toEqual([
    { count: 30, status: "failed", reason: "timeout", strategy_id: 7 },
    { count: 3, status: "failed", reason: "timeout", strategy_id: 9 },
    { count: 2, status: "failed", reason: null, strategy_id: 9 },
  ]);
});

test("strategies are named as far as their names are known", () => {
  const { text } = sumBody(sumOf([2, 7, null], [1, 9, null]), new Map([[7, "Trend follower"]]));
  expect(text).toBe("and 3 more: 2 failed of Trend follower (7), 1 failed of strategy 9");
});

test("the line names five kinds and counts the others; the list has them all", () => {
  const kinds = [1, 2, 3, 4, 5, 6, 7].map((id) => [10 - id, id, "error"] as const);
  const { text, summed_up } = sumBody(sumOf(...kinds.map((kind): [number, number, string] => [...kind])));
  expect(text).toBe(
    "and 42 more: 9 failed (error) of strategy 1, 8 failed (error) of strategy 2, 7 failed (error) of strategy 3, " +
      "6 failed (error) of strategy 4, 5 failed (error) of strategy 5, 7 others",
  );
  expect(summed_up).toHaveLength(7);
});

test("at most a hundred kinds are counted separately, and no outcome is missing from the total", () => {
  const sum = sumOf(
    ...Array.from({ length: 1_000 }, (_, i): [number, number, string] => [2, 7, `reason ${i}`]),
  );
  const { text, summed_up } = sumBody(sum);
  expect(sum.kinds.size).toBe(100);
  expect(text).toMatch(/^and 2000 more: /);
  expect(summed_up.at(-1)).toEqual({ count: 1_800, status: null, reason: null, strategy_id: null });
  expect(summed_up.reduce((all, { count }) => all + count, 0)).toBe(2_000);
});

test("a reason of any length does not make the sum grow", () => {
  const { summed_up } = sumBody(sumOf([1, 7, "x".repeat(100_000)]));
  expect(summed_up[0]?.reason).toHaveLength(200);
});
