import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planReclaim, reclaimSteps } from "../../functions/reclaim.ts";

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

describe("reclaimSteps", () => {
  const steps = (counts: readonly number[], options = { deliveriesMax: 5, countMax: 3 }) =>
    reclaimSteps(
      counts.map((deliveries, n) => pending(`${n}-0`, deliveries)),
      options,
    ).map(({ kind, entries }) => `${kind} ${entries.map(({ id }) => id.split("-")[0]).join(",")}`);

  test("entries delivered once go together, as many as a batch has; those delivered more often alone, in order", () => {
    expect(steps([1, 1, 1, 1, 2, 3, 1, 0, 0, 5, 9, 5, 5, 1])).toEqual([
      "process 0,1,2",
      "process 3",
      "process 4",
      "process 5",
      "process 6",
      "process 7,8",
      "give_up 9",
      "give_up 10",
      "give_up 11,12",
      "process 13",
    ]);
  });

  test("everything goes alone where one more delivery with others would be the last", () => {
    expect(steps([1, 1, 0, 0], { deliveriesMax: 2, countMax: 3 })).toEqual([
      "process 0",
      "process 1",
      "process 2,3",
    ]);
  });

  test("only entries that end their process are given up, whichever they are; all others are finished", () => {
    const cases = fc.record({
      count: fc.integer({ min: 1, max: 60 }),
      killers: fc.uniqueArray(fc.nat(59), { maxLength: 5 }),
      deliveriesMax: fc.integer({ min: 2, max: 6 }),
      countMax: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(cases, ({ count, killers, deliveriesMax, countMax }) => {
        const isKiller = (id: string): boolean => killers.includes(Number(id.split("-")[0]));
        /** What is pending, with its deliveries: once each, by a consumer that was killed. */
        const left = new Map(Array.from({ length: count }, (_, n) => [`${n}-0`, 1]));
        const givenUp: string[] = [];
        const processes = 1 + deliveriesMax * killers.length;
        for (let process = 0; process < processes && left.size > 0; process += 1) {
          const found = [...left].map(([id, deliveries]) => pending(id, deliveries));
          for (const { kind, entries } of reclaimSteps(found, { deliveriesMax, countMax })) {
            const ids = entries.map(({ id }) => id);
            if (kind === "give_up") givenUp.push(...ids);
            else for (const id of ids) left.set(id, (left.get(id) ?? 0) + 1);
            if (kind === "process" && ids.some(isKiller)) break;
            for (const id of ids) left.delete(id);
          }
        }
        expect([...left.keys()]).toEqual([]);
        expect(givenUp.filter((id) => !isKiller(id))).toEqual([]);
        expect(new Set(givenUp).size).toBe(killers.filter((n) => n < count).length);
      }),
    );
  });
});
