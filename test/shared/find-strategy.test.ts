import { expect, test } from "vitest";
import { findKnownStrategy, findStrategy } from "../../shared/find-strategy.ts";

const STRATEGIES = new Map([
  [7, { name: "Trend" }],
  [8, { name: "Twin" }],
  [9, { name: "Twin" }],
]);

test.each([
  ["7", { ok: true, id: 7 }],
  ["Trend", { ok: true, id: 7 }],
  ["70", { ok: false, found: "none", fault: "no strategy has the id 70" }],
  ["Trent", { ok: false, found: "none", fault: 'no strategy has the name "Trent": the closest is "Trend"' }],
  [
    "Twin",
    {
      ok: false,
      found: "several",
      fault: 'several strategies have the name "Twin": type one of the ids 8, 9',
    },
  ],
])("%s is one strategy, or it is said why not", (typed, choice) => {
  expect(findKnownStrategy(typed, STRATEGIES)).toMatchObject(choice);
});

test("an id need not be in the reference", () => {
  expect(findStrategy("70", STRATEGIES)).toEqual({ ok: true, id: 70 });
});
