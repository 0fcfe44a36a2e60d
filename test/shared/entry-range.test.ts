import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { boundOf, canonicalEntryId, compareEntryIds, lastIdAt } from "../../shared/entry-range.ts";

const MAX = 2n ** 64n - 1n;
const part = fc.oneof(fc.bigInt({ min: 0n, max: MAX }), fc.bigInt({ min: 0n, max: 20n }));

describe("a bound of a range", () => {
  test.each([
    ["2026-01-05T10:00:00Z", "1767607200000-0", `1767607200000-${MAX}`],
    [" 1767607200.5 ", "1767607200500-0", `1767607200500-${MAX}`],
    ["1767607200000", "1767607200000-0", `1767607200000-${MAX}`],
    ["1767607200000-7", "1767607200000-7", "1767607200000-7"],
    ["007-010", "7-10", "7-10"],
  ])("%s as from is %s, as to %s", (text, from, to) => {
    expect([boundOf(text, "from"), boundOf(text, "to")]).toEqual([from, to]);
  });

  test.each(["", "soon", "17", "-", "+", "(17-0", "17-", `${MAX + 1n}-0`, "2026-02-30"])(
    "%j is none",
    (text) => {
      expect(boundOf(text, "from")).toBeUndefined();
    },
  );
});

test("entry ids are compared as numbers, however large", () => {
  const ids = fc.tuple(part, part, part, part);
  fc.assert(
    fc.property(ids, ([aTime, aSequence, bTime, bSequence]) => {
      const byTime = aTime < bTime ? -1 : aTime > bTime ? 1 : 0;
      const bySequence = aSequence < bSequence ? -1 : aSequence > bSequence ? 1 : 0;
      const order = compareEntryIds(`${aTime}-${aSequence}`, `${bTime}-${bSequence}`);
      expect(Math.sign(order)).toBe(byTime === 0 ? bySequence : byTime);
    }),
  );
});

test("ids are written as Redis writes them", () => {
  expect(canonicalEntryId("00017-0")).toBe("17-0");
  expect(canonicalEntryId(`0-${MAX}`)).toBe(`0-${MAX}`);
  expect(lastIdAt(5)).toBe(`5-${MAX}`);
});
