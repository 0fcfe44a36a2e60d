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

test("an id that none has, and that is the name of a strategy, is refused with the id of that one", () => {
  const named = new Map([...STRATEGIES, [12, { name: "70" }], [13, { name: "007" }]] as const);
  const fault = 'no strategy has the id 70, and "70" is the name of another one: type its id, 12';
  expect(findStrategy("70", named)).toEqual({ ok: false, found: "several", fault });
  expect(findStrategy("7", named)).toEqual({ ok: true, id: 7 });
  expect(findStrategy("007", named)).toEqual({ ok: true, id: 13 });
});

test("an id need not be in the reference", () => {
  expect(findStrategy("70", STRATEGIES)).toEqual({ ok: true, id: 70 });
});
