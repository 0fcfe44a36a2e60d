import { describe, expect, test } from "vitest";
import { groupFaults, type GroupHealth } from "../../../shared/health/groups.ts";
import type { HolderHealth } from "../../../shared/health/holders.ts";

const LIMITS = {
  blockMs: 2_000,
  claimIdleMs: 10_000,
  leaseMs: 5_000,
  referenceAgeMsMax: 86_400_000,
  signalAgeMsMax: 300_000,
};
const HELD: HolderHealth = {
  lease: "held",
  runner: "a",
  heldMs: 60_000,
  seenFreeMs: 0,
  readBy: "process-signals",
  living: 2,
  withoutLease: [],
};
const { heldMs: _, ...FORMER } = HELD;
const expired = (expiredMs: number, more: Partial<HolderHealth> = {}): HolderHealth => ({
  ...FORMER,
  lease: "expired",
  expiredMs,
  ...more,
});
const { runner: __, ...NONE } = FORMER;
const free = (seenFreeMs: number, more: Partial<HolderHealth> = {}): HolderHealth => ({
  ...NONE,
  lease: "free",
  seenFreeMs,
  ...more,
});
const loop = (agoMs: number) => [{ agoMs }];
const NO_HOLDER = (ago: string, rest: string) =>
  `not_ready: no router has held signal_processor for ${ago}${rest}`;
const START = "; start a router with process-signals in FUNCTIONS";
const SEE_LOG = "; 2 with process-signals run and should take it: see their logs";

function faults(holder: HolderHealth, heartbeats: GroupHealth["heartbeats"], count = 3): string[] {
  const group: GroupHealth = {
    stream: "signals_stream",
    group: "signal_processor",
    critical: true,
    exists: true,
    heartbeats,
    holder,
    waiting: { what: "decide", count, isExact: true, oldestMs: 20, slow: null },
    oldestPendingIdleMs: null,
  };
  return groupFaults(group, LIMITS).map(({ severity, reason }) => `${severity}: ${reason}`);
}

describe("who holds a group", () => {
  test.each<[string, string[], string[]]>([
    ["held and read", faults(HELD, loop(500)), []],
    [
      "just taken over: the heartbeat is the former holder's",
      faults({ ...HELD, heldMs: 500 }, loop(20_000)),
      [],
    ],
    ["just taken over, the former holder was stopped", faults({ ...HELD, heldMs: 500 }, []), []],
    [
      "held for long and not read",
      faults(HELD, loop(20_000)),
      ["not_ready: no consumer has read signal_processor on signals_stream for 20 s"],
    ],
    ["released, a standby will take it in a moment", faults(free(300), []), []],
    ["the holder was killed, a standby will take it", faults(expired(3_000), loop(8_000)), []],
    [
      "the holder was killed, and no standby takes it",
      faults(expired(12_000), loop(16_000)),
      [NO_HOLDER("12 s", ` (the last one was a) while 3 entries wait${SEE_LOG}`)],
    ],
    [
      "the holder was killed, and there is no other",
      faults(expired(12_000, { living: 0 }), loop(14_000), 1),
      [NO_HOLDER("12 s", ` (the last one was a) while 1 entry waits${START}`)],
    ],
    [
      "released, and no standby takes it",
      faults(free(11_000), []),
      [NO_HOLDER("11 s", ` while 3 entries wait${SEE_LOG}`)],
    ],
    [
      "released, and there is no other",
      faults(free(300, { living: 0 }), []),
      ["not_ready: no consumer reads signal_processor on signals_stream"],
    ],
    [
      "nothing waits for a holder that was killed",
      faults(expired(12_000, { living: 0 }), loop(14_000), 0),
      [],
    ],
    [
      "between two calls of a scheduler",
      faults(free(60_000, { living: 0 }), [{ agoMs: 59_000, everyMs: 60_000 }]),
      [],
    ],
    [
      "a scheduler missed three calls",
      faults(free(200_000, { living: 0 }), [{ agoMs: 181_000, everyMs: 60_000 }]),
      [NO_HOLDER("181 s", ` while 3 entries wait${START}`)],
    ],
    [
      "only routers of an older version run",
      faults(free(60_000, { living: 0, withoutLease: ["old"] }), loop(500)),
      [],
    ],
    [
      "a router of an older version beside new ones",
      faults({ ...HELD, withoutLease: ["old"] }, loop(500)),
      [expect.stringMatching(/^degraded: old reads signal_processor without holding it/)],
    ],
    [
      "the key of the lease is another program's",
      faults({ ...free(0), lease: "unreadable", problem: "WRONGTYPE" }, loop(500)),
      [expect.stringMatching(/^not_ready: the lease of signal_processor cannot be read.*delete the key$/)],
    ],
  ])("%s", (_what, found, expected) => {
    expect(found).toEqual(expected);
  });
});
