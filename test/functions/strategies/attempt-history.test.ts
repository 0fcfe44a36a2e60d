import { expect, test } from "vitest";
import { AttemptHistory } from "../../../functions/strategies/attempt-history.ts";
import type { Arrival } from "../../../functions/strategies/run-posts.ts";

type Case = [what: string, earlierUnknown: boolean, first: number, arrivals: Arrival[], named: number[]];

test.each<Case>([
  ["an attempt that was answered", true, 1, ["answered"], []],
  ["an attempt without an answer", true, 1, ["unknown"], [1]],
  ["attempts that never had a connection", true, 1, ["none", "waiting", "none"], []],
  ["an attempt that was answered after one that was not", true, 1, ["unknown", "answered"], [1]],
  ["an attempt of another process, and this one posts", true, 3, ["none", "answered"], [1, 2]],
  ["an attempt of another process, and the strategy posts nothing", true, 3, ["none"], []],
  ["earlier attempts whose end is recorded", false, 3, ["answered"], []],
  ["an attempt of another process, and the task is not run any more", true, 2, [], [1]],
])("%s", (_what, earlierUnknown, first, arrivals, named) => {
  const history = new AttemptHistory({ earlierUnknown });
  history.begun(first);
  for (const [i, arrival] of arrivals.entries()) {
    history.begun(first + i);
    history.ended(arrival);
  }
  expect(history.detail()).toEqual(named.length === 0 ? {} : { may_have_arrived: named });
});

test("of many attempts the last hundred are named", () => {
  const history = new AttemptHistory({ earlierUnknown: true });
  for (let attempt = 1; attempt <= 250; attempt += 1) {
    history.begun(attempt);
    history.ended("unknown");
  }
  expect(history.detail()).toEqual({ may_have_arrived: Array.from({ length: 100 }, (_, i) => 151 + i) });
  expect(history.last).toBe(250);
});
