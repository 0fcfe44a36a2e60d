import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ENDS_AGE_MS_MAX,
  isFailing,
  taskEndsIn,
  taskEndText,
  type TaskEnd,
} from "../../../shared/health/task-ends.ts";
import { NOW } from "../../builders.ts";

/** Ends a second apart, the last one now: `f` failed, `s` succeeded. */
const endsOf = (text: string): TaskEnd[] =>
  text
    .split("")
    .map((how, i) => ({ row: "a1", at: NOW - (text.length - 1 - i) * 1_000, failed: how === "f" }));

describe("isFailing", () => {
  test.each<[string, boolean]>([
    ["", false],
    ["f", false],
    ["ff", false],
    ["fff", true],
    ["sfff", true],
    ["fffs", false],
    ["fffsf", false],
    ["fsfff", true],
    ["fsfsfsf", false],
    ["fsfsfsfsf", true],
    ["fsfsfsfsfs", false],
    ["ffffssssssf", false],
    ["fffffssssf", true],
  ])("after %j: %j", (text, failing) => {
    expect(isFailing(endsOf(text), NOW)).toBe(failing);
  });

  test("an end counts for 24 hours", () => {
    const ends = endsOf("fff");
    expect(isFailing(ends, NOW - 2_000 + ENDS_AGE_MS_MAX)).toBe(true);
    expect(isFailing(ends, NOW - 2_000 + ENDS_AGE_MS_MAX + 1)).toBe(false);
  });

  const history = fc.stringMatching(/^[fs]{0,20}$/);

  test("whatever came before: a success ends it, and three failures in a row begin it", () => {
    fc.assert(
      fc.property(history, (text) => {
        expect(isFailing(endsOf(`${text}s`), NOW)).toBe(false);
        expect(isFailing(endsOf(`${text}fff`), NOW)).toBe(true);
      }),
    );
  });

  test("only the last ten count", () => {
    fc.assert(
      fc.property(history, (text) => {
        expect(isFailing(endsOf(text), NOW)).toBe(isFailing(endsOf(text.slice(-10)), NOW));
      }),
    );
  });
});

describe("the text of ends", () => {
  test("gives the ends back", () => {
    const end = fc.record({
      row: fc.stringMatching(/^[0-9a-f]{8}$/),
      at: fc.integer({ min: 0, max: 2 ** 45 }),
      failed: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(end), (ends) => {
        expect(taskEndsIn(ends.map(taskEndText).join(" "))).toEqual(ends);
      }),
    );
  });

  test("what is no end is left out", () => {
    expect(taskEndsIn("x a1:5 a1:5:f :5:f a1:x:s a1:6:s ")).toEqual([
      { row: "a1", at: 5, failed: true },
      { row: "a1", at: 6, failed: false },
    ]);
  });
});
