import { expect, test } from "vitest";
import type { ReplayDecision, ReplayOutcome } from "../../../shared/replay/replay-decision.ts";
import { differenceOf, isUnchanged } from "../../../shared/replay/replay-difference.ts";

const outcome = (
  strategy_id: number,
  reason: string | null,
  changes: Partial<ReplayOutcome> = {},
): ReplayOutcome => ({
  strategy_id,
  strategy: `s${strategy_id}`,
  status: reason === null ? "dispatched" : "ignored",
  reason,
  detail: {},
  ...changes,
});
const decision = (changes: Partial<ReplayDecision> = {}): ReplayDecision => ({
  status: "dispatched",
  reason: null,
  detail: {},
  snapshot: "v",
  decided_at: "2025-01-15T12:00:00.000Z",
  duplicate_of: null,
  outcomes: [outcome(1, null), outcome(2, "stale")],
  ...changes,
});

test("decisions with the same statuses and reasons do not differ, whatever the details", () => {
  const other = decision({
    detail: { age_ms: 7 },
    snapshot: "w",
    duplicate_of: "1-1",
    outcomes: [outcome(2, "stale", { detail: { age_ms: 8 } }), outcome(1, null, { strategy: "renamed" })],
  });
  const difference = differenceOf(decision(), other);
  expect(difference).toEqual({ signal: null, strategies: [] });
  expect(isUnchanged(difference)).toBe(true);
});

test("only strategies with another outcome are listed, by id, including new and removed ones", () => {
  const now = decision({ outcomes: [outcome(10, null), outcome(2, "paused"), outcome(9, "shadow")] });
  const was = decision({ outcomes: [outcome(1, null), outcome(2, "stale"), outcome(9, "shadow")] });
  const difference = differenceOf(was, now);
  expect(difference).toEqual({
    signal: null,
    strategies: [
      { strategy_id: 1, strategy: "s1", was: { status: "dispatched", reason: null }, now: null },
      {
        strategy_id: 2,
        strategy: "s2",
        was: { status: "ignored", reason: "stale" },
        now: { status: "ignored", reason: "paused" },
      },
      { strategy_id: 10, strategy: "s10", was: null, now: { status: "dispatched", reason: null } },
    ],
  });
  expect(isUnchanged(difference)).toBe(false);
});

test("a signal differs by its reason alone, and from none at all", () => {
  const [a, b] = [
    decision({ status: "ignored", reason: "stale", outcomes: [] }),
    decision({ status: "ignored", reason: "paused", outcomes: [] }),
  ];
  expect(differenceOf(a, b).signal).toEqual({
    was: { status: "ignored", reason: "stale" },
    now: { status: "ignored", reason: "paused" },
  });
  expect(differenceOf(null, a)).toEqual({
    signal: { was: null, now: { status: "ignored", reason: "stale" } },
    strategies: [],
  });
  expect(isUnchanged(differenceOf(null, a))).toBe(false);
});
