import { expect, test } from "vitest";
import { assertAnswersEach, NO_EFFECTS, type Result } from "../../shared/function.ts";

const entries = ["1-0", "2-0", "3-0"].map((id) => ({ id, fields: {} }));
const done = (id: string): Result => ({ id, status: "done", effects: NO_EFFECTS });

test.each([
  ["in the order of the entries", ["1-0", "2-0", "3-0"]],
  ["in any other order", ["3-0", "1-0", "2-0"]],
])("results that answer each entry once pass, %s", (_order, ids) => {
  const results = ids.map(done);
  expect(assertAnswersEach(entries, results)).toBe(results);
});

test("an empty batch has no results", () => {
  expect(assertAnswersEach([], [])).toEqual([]);
});

test.each([
  ["an entry is answered twice", ["1-0", "2-0", "2-0", "3-0"], "answered entry 2-0 twice"],
  ["an answer is for an entry nobody asked about", ["1-0", "2-0", "3-0", "4-0"], "answered entry 4-0"],
  ["an entry is left unanswered", ["1-0", "3-0"], "left 1 of 3 entries unanswered, first 2-0"],
  ["nothing is answered", [], "left 3 of 3 entries unanswered, first 1-0"],
])("it is a bug when %s", (_bug, ids, message) => {
  expect(() => assertAnswersEach(entries, ids.map(done))).toThrow(message);
});
