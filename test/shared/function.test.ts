import { expect, test } from "vitest";
import { assertAnswersEach, NO_EFFECTS, type Result } from "../../shared/function.ts";

const entries = ["1-0", "2-0", "3-0"].map((id) => ({ id, fields: {} }));
const done = (id: string): Result => ({ id, status: "done", effects: NO_EFFECTS });

test.each([
  ["in the order of the entries", ["1-0", "2-0", "3-0"]],
  ["in any other order", ["3-0", "1-0", "2-0"]],
])("results are accepted when there is one for each entry, %s", (_order, ids) => {
  const results = ids.map(done);
  expect(assertAnswersEach(entries, results)).toBe(results);
});

test("an empty batch has no results", () => {
  expect(assertAnswersEach([], [])).toEqual([]);
});

test.each([
  ["an entry has two results", ["1-0", "2-0", "2-0", "3-0"], "returned two results for entry 2-0"],
  [
    "a result is for an entry that was not given",
    ["1-0", "2-0", "3-0", "4-0"],
    "for entry 4-0, or one it was not given",
  ],
  ["an entry has no result", ["1-0", "3-0"], "no result for 1 of 3 entries, the first is 2-0"],
  ["no entry has a result", [], "no result for 3 of 3 entries, the first is 1-0"],
])("it is a bug when %s", (_bug, ids, message) => {
  expect(() => assertAnswersEach(entries, ids.map(done))).toThrow(message);
});
