import { describe, expect, test } from "vitest";
import { strategyFaults, type StrategiesHealth } from "../../../shared/health/strategies.ts";
import type { UnusableStrategy } from "../../../shared/unusable-strategy.ts";
import { NOW } from "../../builders.ts";

const well: StrategiesHealth = { now: NOW, reports: [], consumers: 2, tasks: [] };
const reasonsOf = (changes: Partial<StrategiesHealth>) =>
  strategyFaults({ ...well, ...changes }).map(({ reason }) => reason);

const unusable = (strategyId: number, changes: Partial<UnusableStrategy> = {}): UnusableStrategy => ({
  strategyId,
  name: "Trend follower",
  handler: "webhok",
  reason: "unknown_handler",
  fault: 'there is no handler "webhok"',
  ...changes,
});
const tasks = (strategyId: number, ...agoMs: number[]) => ({
  strategyId,
  name: "Trend follower",
  ends: agoMs.map((ms) => ({ row: "a", at: NOW - ms, failed: true })),
});

describe("a strategy that cannot be run", () => {
  const cannot =
    'Trend follower (1) cannot be run: there is no handler "webhok"; its tasks fail until that is corrected';

  test("is named once with the reason, whoever found it", () => {
    const reports = ["a", "b"].map((consumer) => ({ consumer, unusable: [unusable(1)] }));
    expect(reasonsOf({ reports })).toEqual([cannot]);
    expect(strategyFaults({ ...well, reports })[0]?.severity).toBe("degraded");
    expect(reasonsOf({ reports: reports.slice(0, 1), consumers: 1 })).toEqual([cannot]);
  });

  test("is named with the consumers that cannot run it, when others can", () => {
    const fault = "the variable STRATEGY_SECRET_BROKER is not set";
    const reports = [
      { consumer: "host-1", unusable: [unusable(1, { fault })] },
      { consumer: "host-2", unusable: [] },
    ];
    expect(reasonsOf({ reports })).toEqual([
      `Trend follower (1) cannot be run by host-1 (1 of 2 consumers): ${fault}; its tasks fail until that is corrected`,
    ]);
  });

  test("with several lines of fault stands in one, cut", () => {
    const fault = `✖ Invalid input\n  → at url\u001b[2J ${"x".repeat(500)}`;
    const [reason = ""] = reasonsOf({
      consumers: 1,
      reports: [{ consumer: "a", unusable: [unusable(1, { fault })] }],
    });
    expect(reason).toMatch(/^Trend follower \(1\) cannot be run: ✖ Invalid input → at url\uFFFD\[2J x+;/);
    expect(reason.length).toBeLessThan(350);
  });

  test("beyond twenty they are counted", () => {
    const many = Array.from({ length: 25 }, (_, i) => unusable(i + 1));
    const reasons = reasonsOf({ consumers: 1, reports: [{ consumer: "a", unusable: many }] });
    expect([reasons.length, reasons.at(-1)]).toEqual([21, "5 more strategies cannot be run"]);
  });
});

describe("a strategy that is failing", () => {
  test("is named with how many of its tasks failed, when, and where to look", () => {
    expect(reasonsOf({ tasks: [tasks(1, 30_000, 20_000, 12_000), tasks(2, 5_000)] })).toEqual([
      "Trend follower (1) is failing: 3 of its last 3 tasks ended failed, the last one 12 s ago; " +
        "GET /signals?strategy=1&status=failed shows why. It is over with the next success or a change of its row",
    ]);
  });
});
