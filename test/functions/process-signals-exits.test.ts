import { expect, test } from "vitest";
import { idempotencyKeyOf, parseTask } from "../../shared/task.ts";
import {
  contextFrom,
  entryFrom,
  NOW,
  recordIn,
  rowsWithStrategies,
  signalFields,
  signalRow,
  strategyRow,
  tasksIn,
} from "../builders.ts";
import { effectsFor } from "./process-signals-fixture.ts";

const EXITS = { exit_phrase: "EXIT", long_exit_phrase: "EXIT LONG", short_exit_phrase: "EXIT SHORT" };
const rows = rowsWithStrategies([strategyRow(10, { exits: true }), strategyRow(20)], {
  signals: [signalRow(1, EXITS)],
});
const context = contextFrom({ rows });
const effectsOf = (message: string, changes: Parameters<typeof signalFields>[0] = {}, of = context) =>
  effectsFor(entryFrom(signalFields({ message, uid: "u1", ...changes })), of);

test.each([
  ["EXIT", "u1:flat", null, ""],
  ["exit long ", "u1:long", "long", "long"],
  ["EXIT SHORT", "u1:short", "short", "short"],
])("%s is claimed, recorded and handed on as %s, with its side", (message, uid, side, inTask) => {
  const effects = effectsOf(message, { qty: "1.50" });
  expect(effects.claim?.uid).toBe(uid);
  expect(recordIn(effects)).toMatchObject({ uid, direction: "flat", side, status: "dispatched" });
  const [fields = {}, ...others] = tasksIn(effects);
  expect(others).toEqual([]);
  expect(fields).toMatchObject({
    strategy_id: "10",
    direction: "flat",
    side: inTask,
    log_uid: uid,
    extra: '{"qty":"1.50"}',
  });
  const parsed = parseTask({ id: "2-0", fields });
  expect(parsed).toMatchObject({ ok: true, task: { direction: "flat", side, uid } });
  const lost = effects.claim?.ifLost ?? { append: [], count: [] };
  expect(recordIn(lost)).toMatchObject({ uid, side, status: "duplicate" });
});

test("an exit has its uid also when it is ignored, and in the claim of a forced replay", () => {
  const paused = contextFrom({ rows, paused: new Set(["*"]) });
  expect(recordIn(effectsOf("EXIT", {}, paused))).toMatchObject({ uid: "u1:flat", side: null });
  const forced = contextFrom({ rows, invocation: "run-1", forcedAt: NOW });
  expect(effectsOf("EXIT LONG", { sent_at: "2025-01-01T00:00Z" }, forced).claim?.uid).toBe("run-1 u1:long");
});

test("an opening and its exits under one uid are signals, claims and idempotency keys of their own", () => {
  const all = ["SIGNAL_1_LONG", "EXIT", "EXIT LONG", "EXIT SHORT"].map((message) => effectsOf(message));
  expect(new Set(all.map(({ claim }) => claim?.uid)).size).toBe(4);
  const keys = all.flatMap((effects) =>
    tasksIn(effects).map((fields) => {
      const parsed = parseTask({ id: "2-0", fields });
      if (!parsed.ok) throw new Error(parsed.error);
      return idempotencyKeyOf({ ...parsed.task, strategyId: 10 });
    }),
  );
  expect(new Set(keys).size).toBe(4);
});

test("the tasks and the record of an opening have no side", () => {
  const effects = effectsOf("SIGNAL_1_SHORT");
  for (const task of tasksIn(effects)) expect(task).not.toHaveProperty("side");
  expect(recordIn(effects)).not.toHaveProperty("side");
});
