import { expect, test } from "vitest";
import { chosenStrategy } from "../../shared/strategy-choice.ts";

const STRATEGIES = new Map([
  [7, { name: "Trend" }],
  [8, { name: "Twin" }],
  [9, { name: "Twin" }],
]);

test.each([
  ["7", { ok: true, id: 7 }],
  ["Trend", { ok: true, id: 7 }],
  ["70", { ok: false, why: "no strategy has the id 70" }],
  ["Trent", { ok: false, why: 'no strategy has the name "Trent": the closest is "Trend"' }],
  ["Twin", { ok: false, why: 'several strategies have the name "Twin": give one of the ids 8, 9' }],
])("%s is one strategy, or it is said why not", (typed, choice) => {
  expect(chosenStrategy(typed, STRATEGIES)).toEqual(choice);
});
