import { describe, expect, test } from "vitest";
import { waitedMs, waitingFaults, type WaitingHealth } from "../../../shared/health/waiting.ts";

const well: WaitingHealth = { count: 3, isExact: true, oldestMs: 20, slow: null };
const names = { stream: "signal_results", group: "log_writer" };
function reasonsOf(changes: Partial<WaitingHealth>, signalAgeMsMax = 300_000): string[] {
  const waiting = { ...well, ...changes };
  return waitingFaults({ ...names, waiting }, { signalAgeMsMax }).map(({ reason }) => reason);
}

describe("signals and tasks", () => {
  test.each<[string, Partial<WaitingHealth>, number, string[]]>([
    ["a short wait", { what: "decide", oldestMs: 10_000 }, 0, []],
    [
      "a long wait",
      { what: "decide", oldestMs: 10_001 },
      0,
      ["3 signals wait to be decided, the oldest for 10 s"],
    ],
    [
      "a tenth of a short age",
      { what: "run", oldestMs: 501 },
      5_000,
      ["3 tasks wait to be run, the oldest for 501 ms"],
    ],
    ["less than that", { what: "run", oldestMs: 500 }, 5_000, []],
    [
      "ten seconds at most",
      { what: "run", oldestMs: 12_000 },
      3_600_000,
      ["3 tasks wait to be run, the oldest for 12 s"],
    ],
    [
      "the strategy that is slow",
      {
        what: "run",
        count: 390_000,
        oldestMs: 400_000,
        slow: { strategyId: 1, name: "Trend follower", count: 97, sampled: 100 },
      },
      0,
      ["390000 tasks wait to be run, the oldest for 6 min; 97 of the first 100 are for Trend follower (1)"],
    ],
    [
      "a number that is not known",
      { what: "decide", count: 100, isExact: false, oldestMs: 11_000 },
      0,
      ["more than 100 signals wait to be decided, the oldest for 11 s; Redis does not know how many"],
    ],
    ["nothing", { what: "run", count: 0, oldestMs: null }, 0, []],
  ])("%s", (_, changes, signalAgeMsMax, reasons) => {
    expect(reasonsOf(changes, signalAgeMsMax)).toEqual(reasons);
  });
});

describe("records for the log", () => {
  test.each<[string, Partial<WaitingHealth>, string[]]>([
    ["may wait long", { oldestMs: 3_600_000 }, []],
    ["may be many", { count: 10_000 }, []],
    [
      "may not be more",
      { count: 10_001 },
      ["10001 entries wait for log_writer on signal_results, the oldest for 20 ms"],
    ],
    ["of an unknown number may be read soon", { count: 100, isExact: false, oldestMs: 500 }, []],
    [
      "of an unknown number may not wait long",
      { count: 100, isExact: false, oldestMs: 20_000 },
      [
        "more than 100 entries wait for log_writer on signal_results, the oldest for 20 s; Redis does not know how many",
      ],
    ],
  ])("%s", (_, changes, reasons) => {
    expect(reasonsOf(changes)).toEqual(reasons);
  });
});

test.each([
  ["the time in its id", { ageMs: 20_000, seenMs: 100 }, 20_000],
  ["since it was first seen, with an id in the future", { ageMs: -5_000, seenMs: 11_000 }, 11_000],
  ["since it was first seen, with an id older than a day", { ageMs: 86_400_001, seenMs: 100 }, 100],
])("an entry has waited: %s", (_, times, ms) => {
  expect(waitedMs(times)).toBe(ms);
});
