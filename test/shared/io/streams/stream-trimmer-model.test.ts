import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NODE_ENTRIES, numbers, useTrimmer } from "./stream-trimmer-fixture.ts";

const fixture = useTrimmer();
const { addAged, addGroup, trim, left } = fixture;

interface ModelGroup {
  readonly delivered: number;
  readonly unacknowledged: readonly number[];
}

/** Position of the first entry the group needs: undelivered, or delivered and not acknowledged. */
function firstNeeded({ delivered, unacknowledged }: ModelGroup, deleted: readonly number[], length: number) {
  const pending = unacknowledged.filter((n) => n < delivered && n < length);
  const undelivered = numbers(delivered, length).filter((n) => !deleted.includes(n));
  return Math.min(...pending, ...undelivered.slice(0, 1), Number.POSITIVE_INFINITY);
}

describe("random streams, groups and pending entries, against a plain model", () => {
  const group: fc.Arbitrary<ModelGroup> = fc.record({
    delivered: fc.nat(40),
    unacknowledged: fc.uniqueArray(fc.nat(39), { maxLength: 3 }),
  });
  const ages = fc
    .array(fc.constantFrom(9, 3, 2.5, 1.9, 1.5, 1.1, 0.9, 0.5, 0.1), { minLength: 1, maxLength: 40 })
    .map((list) => list.toSorted((a, b) => b - a));
  const world = fc.record({
    ages,
    own: fc.option(group, { nil: undefined, freq: 6 }),
    foreign: fc.array(group, { maxLength: 2 }),
    deleted: fc.uniqueArray(fc.nat(39), { maxLength: 4 }),
    stepCountMax: fc.integer({ min: NODE_ENTRIES, max: 12 }),
  });

  it("nothing needed is ever removed, and of what is not needed less than one node stays", async () => {
    await fc.assert(
      fc.asyncProperty(world, async ({ ages: list, own, foreign, deleted, stepCountMax }) => {
        fixture.renew({ stepCountMax });
        const ids = await addAged("signals_stream", list);
        const groups = own === undefined ? foreign : [own, ...foreign];
        for (const [n, one] of groups.entries()) {
          const name = own !== undefined && n === 0 ? "signal_processor" : `foreign${n}`;
          await addGroup("signals_stream", name, one);
        }
        const gone = deleted.flatMap((n) => ids[n] ?? []);
        if (gone.length > 0) await fixture.redis.xdel(fixture.keys.stream("signals_stream"), ...gone);

        const olderThan = (age: number) => list.filter((one) => one > age).length;
        const needed = (one: ModelGroup) => firstNeeded(one, deleted, list.length);
        const limit =
          own === undefined
            ? 0
            : Math.min(
                olderThan(1),
                needed(own),
                ...foreign.map((one) => Math.max(needed(one), Math.min(olderThan(2), list.length))),
              );

        await trim("signals_stream");
        const remaining = await left("signals_stream");
        const alive = numbers(0, list.length).filter((n) => !deleted.includes(n));
        expect(remaining).toEqual(expect.arrayContaining(alive.filter((n) => n >= limit)));
        expect(remaining).toEqual(alive.slice(alive.length - remaining.length));
        if (own !== undefined) {
          expect(remaining.filter((n) => n < limit).length).toBeLessThan(NODE_ENTRIES);
        }
      }),
      { numRuns: 300 },
    );
  });
});
