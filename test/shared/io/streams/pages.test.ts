import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareEntryIds } from "../../../../shared/entry-range.ts";
import { oldestOf, pagesOf } from "../../../../shared/io/streams/pages.ts";

describe("pagesOf", () => {
  test("gives every item once, in order, in pages that are full but for the last", () => {
    expect(pagesOf([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
    expect(pagesOf([], 2)).toEqual([]);
  });
});

describe("oldestOf", () => {
  test("gives the oldest of all lists, and none that something older may come before", () => {
    const ids = fc.uniqueArray(fc.nat(1_000), { maxLength: 80 });
    fc.assert(
      fc.property(
        ids,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 10 }),
        (all, owners, each) => {
          const sorted = all.map((n) => ({ id: `${n}-0` })).toSorted((a, b) => compareEntryIds(a.id, b.id));
          const lists = Array.from({ length: owners }, (_, owner) =>
            sorted.filter(({ id }) => Number(id.split("-")[0]) % owners === owner).slice(0, each),
          );
          const found = oldestOf(lists, each);
          expect(found).toEqual(sorted.slice(0, found.length));
          // Some progress, and everything when nothing was left out.
          expect(found.length).toBeGreaterThanOrEqual(Math.min(sorted.length, each));
        },
      ),
    );
  });
});
