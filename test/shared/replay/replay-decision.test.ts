import { describe, expect, test } from "vitest";
import {
  circumstancesOf,
  withCleaningNotes,
  withNames,
  type ReplayDecision,
  type ReplayOutcome,
} from "../../../shared/replay/replay-decision.ts";

const decision = (changes: Partial<ReplayDecision> = {}): ReplayDecision => ({
  status: "dispatched",
  reason: null,
  detail: {},
  snapshot: "v",
  decided_at: "2025-01-15T12:00:00.123Z",
  duplicate_of: null,
  outcomes: [],
  ...changes,
});
const outcome = (strategy_id: number, reason: string | null): ReplayOutcome => ({
  strategy_id,
  strategy: null,
  status: reason === null ? "dispatched" : "ignored",
  reason,
  detail: {},
});
const STALE_BY_ITS_OWN = { ...outcome(2, "stale"), detail: { age_ms: 9, age_ms_max: 3 } };
/** Of an exit, by the limit of the router. */
const STALE_EXIT = {
  ...outcome(3, "stale"),
  detail: { age_ms: 9, age_ms_max: 5, limit: "SIGNAL_AGE_MS_MAX" },
};
const limit = { signalAgeMsMax: 7 };

describe("the circumstances of a logged decision", () => {
  test("are its time and, for a forced one, that no signal was too old", () => {
    const now = Date.UTC(2025, 0, 15, 12, 0, 0, 123);
    expect(circumstancesOf({ decision: decision(), forced: false }, limit)).toMatchObject({ now });
    expect(circumstancesOf({ decision: decision(), forced: false }, limit)).not.toHaveProperty("forcedAt");
    expect(circumstancesOf({ decision: decision(), forced: true }, limit)).toMatchObject({ forcedAt: now });
  });

  test("have the same strategies paused", () => {
    const some = decision({ outcomes: [outcome(1, null), outcome(2, "paused"), outcome(3, "stale")] });
    expect(circumstancesOf({ decision: some, forced: false }, limit).control).toMatchObject({
      allPaused: false,
      pausedStrategies: new Set([2]),
    });
    const all = decision({ status: "ignored", reason: "paused" });
    expect(circumstancesOf({ decision: all, forced: false }, limit).control.allPaused).toBe(true);
  });

  test.each([
    [{ status: "dispatched", reason: null }, 0],
    [{ status: "duplicate", reason: "duplicate_uid" }, 0],
    [{ status: "ignored", reason: "no_eligible_strategy" }, 0],
    [{ status: "ignored", reason: "paused" }, 0],
    [{ status: "ignored", reason: "stale", detail: { age_ms: 9, age_ms_max: 5 } }, 5],
    [{ status: "ignored", reason: "stale", detail: {} }, 7],
    [{ status: "ignored", reason: "unknown_ticker" }, 7],
    [{ status: "rejected", reason: "missing_field" }, 7],
    [{ status: "dispatched", reason: null, outcomes: [outcome(1, null), STALE_EXIT] }, 5],
    [{ status: "ignored", reason: "no_eligible_strategy", outcomes: [STALE_BY_ITS_OWN, STALE_EXIT] }, 5],
    [{ status: "ignored", reason: "no_eligible_strategy", outcomes: [STALE_BY_ITS_OWN] }, 0],
  ] as const)("have the age limit that follows from %j: %i", (changes, signalAgeMsMax) => {
    const logged = { decision: decision(changes), forced: false };
    expect(circumstancesOf(logged, limit)).toMatchObject({ signalAgeMsMax });
  });
});

test("the log's notes about changed fields are kept with a decision made on them", () => {
  const logged = decision({ detail: { cut_fields: ["note"], replaced_characters_in: ["x"], age_ms: 3 } });
  const made = decision({ detail: { field: "symbol" } });
  expect(withCleaningNotes(made, logged).detail).toEqual({
    field: "symbol",
    cut_fields: ["note"],
    replaced_characters_in: ["x"],
  });
  expect(withCleaningNotes(made, decision())).toBe(made);
});

test("strategies get a name when one is known, and keep the one they have", () => {
  const named = { ...outcome(1, null), strategy: "own" };
  const given = withNames(decision({ outcomes: [named, outcome(2, null), outcome(3, null)] }), (id) =>
    id === 3 ? undefined : `s${id}`,
  );
  expect(given.outcomes.map(({ strategy }) => strategy)).toEqual(["own", "s2", null]);
});
