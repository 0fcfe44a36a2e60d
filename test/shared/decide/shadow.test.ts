import { expect, test } from "vitest";
import { decide } from "../../../shared/decide/decide.ts";
import { DecisionCache } from "../../../shared/decide/decision-cache.ts";
import { parseSignal } from "../../../shared/signal/signal.ts";
import {
  contextFrom,
  entryFrom,
  recordIn,
  rowsWithStrategies,
  strategyRow,
  tasksIn,
} from "../../builders.ts";
import { effectsFor } from "../../functions/process-signals-fixture.ts";

const rows = rowsWithStrategies([
  strategyRow(10),
  strategyRow(11, { enabled: false }),
  strategyRow(12, { shadow: true }),
]);
const context = contextFrom({ rows, shadow: true });

test("what would be dispatched is a shadow of the router; other outcomes stay as they are", () => {
  const { status, reason, outcomes } = recordIn(effectsFor(entryFrom(), context));
  expect([status, reason]).toEqual(["ignored", "shadow"]);
  expect(outcomes.map((one) => [one.strategy_id, one.status, one.reason, one.detail])).toEqual([
    [10, "shadow", "shadow", { shadow: "router" }],
    [11, "ignored", "strategy_disabled", {}],
    [12, "shadow", "shadow", {}],
  ]);
});

test("no task is made, and the uid is claimed, so that a repeat is a duplicate", () => {
  const effects = effectsFor(entryFrom(), context);
  expect(tasksIn(effects)).toEqual([]);
  const lost = effects.claim?.ifLost;
  if (lost === undefined) throw new Error("the uid is not claimed");
  expect(recordIn(lost)).toMatchObject({ status: "duplicate", reason: "duplicate_uid" });
  expect(effects.claim?.uid).toBe(effectsFor(entryFrom(), contextFrom({ rows })).claim?.uid);
});

test("a signal that no strategy would get is decided as without SHADOW, and claims nothing", () => {
  const none = { rows: rowsWithStrategies([strategyRow(12, { shadow: true })]) };
  const effects = effectsFor(entryFrom(), contextFrom({ ...none, shadow: true }));
  expect(recordIn(effects)).toEqual(recordIn(effectsFor(entryFrom(), contextFrom(none))));
  expect(effects.claim).toBeUndefined();
});

test("one cache for both gives each its own decision", () => {
  const cache = new DecisionCache();
  const parsed = parseSignal(entryFrom(), context.now);
  if (parsed.status !== "valid") throw new Error("the signal is not valid");
  for (const shadow of [true, false, true]) {
    const asked = { ...context, shadow };
    expect(cache.decide(parsed.signal, asked)).toEqual(decide(parsed.signal, asked));
  }
});
