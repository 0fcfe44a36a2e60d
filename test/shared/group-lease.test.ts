import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { leaseStateOf, type GroupLease, type SeenExpired } from "../../shared/group-lease.ts";

const VALID_MS = 1_200;
const NOW = 1_796_000_000_000;

const lease = (over: Partial<GroupLease> = {}): GroupLease => ({
  token: "t",
  runner: "a",
  functions: [],
  since: NOW,
  until: NOW + VALID_MS,
  validMs: VALID_MS,
  ...over,
});

describe("a look at a lease", () => {
  const expired = lease({ until: NOW });
  const seen = (over: Partial<SeenExpired> = {}): SeenExpired => ({
    token: "t",
    until: NOW,
    at: NOW - 400,
    ...over,
  });
  test.each<[string, GroupLease | undefined, SeenExpired | undefined, string]>([
    ["none", undefined, undefined, "free"],
    ["none any longer", undefined, seen(), "free"],
    ["valid", lease(), undefined, "held"],
    ["valid again after it was expired", lease(), seen(), "held"],
    ["valid for as long as a renewal may make it", lease({ until: NOW + 2 * VALID_MS }), seen(), "held"],
    ["from before the clock was set back", lease({ until: NOW + 2 * VALID_MS + 1 }), undefined, "expired"],
    ["expired for the first time", expired, undefined, "expired"],
    ["expired, seen a moment ago", expired, seen({ at: NOW - 399 }), "expired"],
    ["expired, seen a third of its life ago", expired, seen(), "takeable"],
    ["expired, another holder's was seen", expired, seen({ token: "u" }), "expired"],
    ["expired, renewed since it was seen", expired, seen({ until: NOW - 1 }), "expired"],
    ["expired, the clock was set back since it was seen", expired, seen({ at: NOW + 1 }), "expired"],
    ["of a holder with a longer LEASE_MS", lease({ until: NOW, validMs: 1_203 }), seen(), "expired"],
  ])("%s", (_what, found, before, status) => {
    expect(leaseStateOf(found, { now: NOW, seen: before }).status).toBe(status);
  });

  test("a first look at an expired lease is what the second compares with, unless something has changed", () => {
    const first = leaseStateOf(expired, { now: NOW });
    expect(first).toMatchObject({ seen: { token: "t", until: NOW, at: NOW } });
    expect(leaseStateOf(expired, { now: NOW + 399, seen: seen({ at: NOW }) })).toMatchObject({
      status: "expired",
      seen: { at: NOW },
    });
  });
});

/** What a standby sees that looks all the time: the state after each look. */
function watching() {
  let seen: SeenExpired | undefined;
  return (found: GroupLease | undefined, now: number): string => {
    const state = leaseStateOf(found, { now, seen });
    seen = "seen" in state ? state.seen : undefined;
    return state.status;
  };
}

test("a holder that renews in time keeps its lease, however far Redis stands still or its clock is set", () => {
  const round = fc.record({
    // Right after a renewal.
    jumpMs: fc.oneof(fc.constant(0), fc.integer({ min: -10 * VALID_MS, max: 10 * VALID_MS })),
    looksAfterMs: fc.array(fc.integer({ min: 0, max: VALID_MS / 4 }), { maxLength: 5 }),
  });
  fc.assert(
    fc.property(fc.array(round, { maxLength: 30 }), (rounds) => {
      const look = watching();
      let now = NOW;
      for (const { jumpMs, looksAfterMs } of rounds) {
        const renewed = lease({ until: now + VALID_MS });
        now += jumpMs;
        for (const afterMs of looksAfterMs.toSorted((a, b) => a - b))
          expect(look(renewed, now + afterMs)).not.toBe("takeable");
        now += VALID_MS / 4;
      }
    }),
  );
});

test("the lease of a dead holder is takeable within 4/3 of its life and two looks, also when the clock is set", () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 40, maxLength: 60 });
  fc.assert(
    fc.property(gaps, fc.integer({ min: -5, max: 5 }), ([...gapsMs], jumps) => {
      const look = watching();
      const last = lease({ until: NOW + VALID_MS });
      let passedMs = 0;
      // Set forward or back by many hours; 0: not at all.
      const jumpMs = jumps * 3_600_000;
      for (;;) {
        passedMs += gapsMs.pop() ?? 150;
        if (look(last, NOW + jumpMs + passedMs) === "takeable") break;
        expect(passedMs).toBeLessThan((4 / 3) * VALID_MS + 2 * 150);
      }
    }),
  );
});
