import { expect, test } from "vitest";
import { deadLetterFaults } from "../../../shared/health/dead-letters.ts";

const SHOWS =
  ": `npm run cli -- dead-letters list` shows what was given up on and why; retry or discard each";

test.each([
  [1, 12_000, `1 dead letter waits, for 12 s${SHOWS}`],
  [3, 7_300_000, `3 dead letters wait, the oldest for 2 h${SHOWS}`],
])("%i dead letters are degraded, with the age of the oldest", (count, oldestAgoMs, reason) => {
  expect(deadLetterFaults({ count, oldestAgoMs })).toEqual([{ severity: "degraded", reason }]);
});

test("none is no fault", () => {
  expect(deadLetterFaults({ count: 0, oldestAgoMs: null })).toEqual([]);
});
