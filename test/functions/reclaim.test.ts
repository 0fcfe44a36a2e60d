import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planReclaim } from "../../functions/reclaim.ts";

const pending = (id: string, deliveries: number) => ({ id, consumer: "c", idleMs: 20_000, deliveries });

describe("planReclaim", () => {
  test("what was delivered DELIVERIES_MAX times becomes a dead letter, anything less is reclaimed, in order", () => {
    const plan = planReclaim([pending("1-0", 4), pending("2-0", 5), pending("3-0", 1), pending("4-0", 9)], {
      held: new Set(),
      deliveriesMax: 5,
    });
    expect(plan.take.map((entry) => entry.id)).toEqual(["1-0", "3-0"]);
    expect(plan.giveUp.map((entry) => entry.id)).toEqual(["2-0", "4-0"]);
  });

  test("what is in flight in this process is left out; everything else is exactly one of the two", () => {
    const entries = fc.uniqueArray(
      fc.record({ id: fc.nat(50).map((n) => `${n}-0`), deliveries: fc.nat(10) }),
      {
        selector: (entry) => entry.id,
      },
    );
    fc.assert(
      fc.property(entries, fc.array(fc.nat(50).map((n) => `${n}-0`)), (list, heldIds) => {
        const held = new Set(heldIds);
        const all = list.map(({ id, deliveries }) => pending(id, deliveries));
        const { take, giveUp } = planReclaim(all, { held, deliveriesMax: 5 });
        const planned = [...take, ...giveUp].map((entry) => entry.id).toSorted();
        expect(planned).toEqual(
          all
            .map((entry) => entry.id)
            .filter((id) => !held.has(id))
            .toSorted(),
        );
      }),
    );
  });
});
