import { expect, test } from "vitest";
import { processSignals } from "../../../functions/process-signals.ts";
import {
  contextFrom,
  effectsOf,
  entryFrom,
  recordIn,
  rowsWithStrategies,
  strategyRow,
  tasksIn,
} from "../../builders.ts";

const rows = rowsWithStrategies([strategyRow(10), strategyRow(11, { enabled: false }), strategyRow(12)]);

test("only chosen strategies get tasks, and each other one has that as its reason", () => {
  const decided = (chosen: readonly number[]) => {
    const context = contextFrom({ rows, chosen: new Set(chosen) });
    return effectsOf(processSignals([entryFrom()], context)[0]);
  };
  const effects = decided([11, 12]);
  expect(tasksIn(effects).map(({ strategy_id }) => strategy_id)).toEqual(["12"]);
  expect(recordIn(effects).outcomes.map(({ status, reason }) => [status, reason])).toEqual([
    ["ignored", "not_chosen"],
    ["ignored", "strategy_disabled"],
    ["dispatched", null],
  ]);
  const none = decided([11]);
  expect(none.claim).toBeUndefined();
  expect(recordIn(none)).toMatchObject({
    reason: "no_eligible_strategy",
    detail: { strategies: { not_chosen: 2, strategy_disabled: 1 } },
  });
});
