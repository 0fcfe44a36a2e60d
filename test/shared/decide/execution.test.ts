import { describe, expect, test } from "vitest";
import { permissionFor } from "../../../shared/decide/execution.ts";
import { parseTask } from "../../../shared/task.ts";
import { contextFrom, NOW, rowsWithStrategies, strategyRow, taskFields } from "../../builders.ts";

const AGE_MS = 10_000;

/** Why the task of a signal of ten seconds is not run; null: it is. */
function refusal(
  direction: string,
  strategy: Parameters<typeof strategyRow>[1],
  { signalAgeMsMax = 300_000, ...changes }: { signalAgeMsMax?: number; forced_at?: string } = {},
): string | null {
  const fields = taskFields(NOW - AGE_MS, { direction, ...changes });
  const parsed = parseTask({ id: "2-0", fields });
  if (!parsed.ok) throw new Error(parsed.error);
  const context = contextFrom({
    rows: rowsWithStrategies([strategyRow(10, { exits: true, ...strategy })]),
    signalAgeMsMax,
  });
  const permission = permissionFor(parsed.task, context);
  return permission.run ? null : permission.reason;
}

describe("right before the run", () => {
  const [lower, higher] = [AGE_MS - 1, AGE_MS];

  test.each<[string, Parameters<typeof refusal>[1], number, opening: string | null, exit: string | null]>([
    ["no limit is met", {}, 300_000, null, null],
    ["older than SIGNAL_AGE_MS_MAX", {}, lower, "stale", "stale"],
    ["older than signal_age_ms_max", { signal_age_ms_max: lower }, 0, "stale", "stale"],
    [
      "exit_age_ms_max is higher",
      { signal_age_ms_max: lower, exit_age_ms_max: higher },
      lower,
      "stale",
      null,
    ],
    ["exit_age_ms_max is 0", { signal_age_ms_max: lower, exit_age_ms_max: 0 }, lower, "stale", null],
    ["older than exit_age_ms_max alone", { exit_age_ms_max: lower }, 0, null, "stale"],
    ["the strategy is disabled", { enabled: false, exit_age_ms_max: 0 }, 0, ...both("strategy_disabled")],
    ["the strategy is archived", { archived: true, exit_age_ms_max: 0 }, 0, ...both("strategy_archived")],
    ["exits were switched off since", { exits: false, exit_age_ms_max: 0 }, 0, null, "exits_not_taken"],
    ["the strategy is a shadow", { shadow: true, exit_age_ms_max: 0 }, 0, ...both("shadow")],
  ])("%s", (_, strategy, signalAgeMsMax, opening, exit) => {
    expect(refusal("long", strategy, { signalAgeMsMax })).toBe(opening);
    expect(refusal("flat", strategy, { signalAgeMsMax })).toBe(exit);
  });

  test("the age of a forced exit counts from the replay", () => {
    const forced_at = new Date(NOW - 1).toISOString();
    expect(refusal("flat", { exit_age_ms_max: 1 }, { forced_at })).toBe(null);
  });
});

function both(reason: string): [string, string] {
  return [reason, reason];
}
