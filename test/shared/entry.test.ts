import * as fc from "fast-check";
import { expect, test } from "vitest";
import { entryTime, fieldsOf, TIME_MS_MAX } from "../../shared/entry.ts";
import { anyId } from "../arbitraries.ts";

test.each([
  ["1736942400000-0", 1_736_942_400_000],
  ["1736942400000-18446744073709551615", 1_736_942_400_000],
  ["1736942400000", 1_736_942_400_000],
  ["0-1", 0],
  ["253402300799999-0", TIME_MS_MAX],
  ["253402300800000-0", TIME_MS_MAX],
  ["18446744073709551615-18446744073709551615", TIME_MS_MAX],
])("entry %s was added at %i", (id, ms) => {
  expect(entryTime(id)).toBe(ms);
});

test("the time of every id is within the range of a calendar", () => {
  fc.assert(
    fc.property(anyId, (id) => {
      expect(new Date(entryTime(id)).toISOString()).toMatch(/^\d{4}-/);
    }),
  );
});

test.each([
  [[], []],
  [
    ["a", "1", "b", ""],
    [
      ["a", "1"],
      ["b", ""],
    ],
  ],
  [["a", "1", "a", "2"], [["a", "2"]]],
  [["a", "1", "b"], [["a", "1"]]],
  [
    ["__proto__", "1", "constructor", "2", "__proto__", "3"],
    [
      ["__proto__", "3"],
      ["constructor", "2"],
    ],
  ],
])("the flat list %j has the fields %j", (flat, fields) => {
  expect(Object.entries(fieldsOf(flat))).toEqual(fields);
});

test("a field named __proto__ changes no other field", () => {
  expect(fieldsOf(["__proto__", "x"])["message"]).toBeUndefined();
});
