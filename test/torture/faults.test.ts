import { describe, expect, test } from "vitest";
import { FAULT_KINDS, planFaults, SETTINGS } from "./faults.ts";
import { seededRandom } from "./random.ts";

describe("the schedule of faults", () => {
  const plan = {
    setting: "plain",
    forMs: 300_000,
    routers: 3,
    claimIdleMs: 1_000,
    leaseMs: 1_000,
    everyMs: 2_000,
  } as const;

  test("is the same again for the same seed, and another one for another", () => {
    expect(planFaults(plan, seededRandom(5))).toEqual(planFaults(plan, seededRandom(5)));
    expect(planFaults(plan, seededRandom(5))).not.toEqual(planFaults(plan, seededRandom(6)));
  });

  test.each(SETTINGS)(
    "holds more than 100 faults in five minutes, and every kind in the first ones: %s",
    (setting) => {
      for (const seed of [1, 2, 3, 4, 5]) {
        const faults = planFaults({ ...plan, setting }, seededRandom(seed));
        expect(faults.length).toBeGreaterThan(100);
        const { length } = FAULT_KINDS[setting];
        expect(new Set(faults.slice(0, length).map(({ kind }) => kind)).size).toBe(length);
      }
    },
  );

  test("freezes a router for longer than it takes until its entries are taken over", () => {
    const freezes = planFaults(plan, seededRandom(1)).filter(({ kind }) => kind === "freeze");
    for (const { forMs } of freezes) expect(forMs).toBeGreaterThan(plan.claimIdleMs);
  });
});
