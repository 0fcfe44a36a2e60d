import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { processSignals } from "../../functions/process-signals.ts";
import { idempotencyKeyOf, laneOf, parseTask, taskAge, type Task } from "../../shared/task.ts";
import { effectsOf, entryFrom, NOW, contextFrom, signalFields, tasksIn } from "../builders.ts";

const ID = "1736942400000-5";

/** The task of strategy 10 for a signal, as it is in the stream. */
function taskFields(changes: Parameters<typeof contextFrom>[0] = {}): Record<string, string> {
  const [result] = processSignals(
    [entryFrom(signalFields({ source: "me", sent_at: String(NOW - 2_000) }))],
    contextFrom(changes),
  );
  return { ...tasksIn(effectsOf(result))[0] };
}

function taskFrom(fields: Readonly<Record<string, string>> = taskFields()): Task {
  const parsed = parseTask({ id: ID, fields });
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.task;
}

describe("a task", () => {
  test("is read as it was dispatched", () => {
    expect(taskFrom()).toEqual({
      id: ID,
      strategyId: 10,
      strategy: "strategy 10",
      signalId: 1,
      symbol: "BTCUSDT",
      direction: "long",
      side: null,
      barTime: Date.UTC(2025, 0, 15, 11, 59),
      receivedAt: NOW - 1_000,
      sentAt: NOW - 2_000,
      uid: expect.stringMatching(/^[0-9a-f]{32}$/),
      source: "me",
      entryId: `${NOW - 1_000}-0`,
      invocation: "live",
      snapshot: contextFrom().snapshot.version,
      forcedAt: null,
      retry: null,
      retriedAt: null,
      extra: {},
    });
  });

  test("of a forced replay has the time of the replay", () => {
    expect(taskFrom(taskFields({ forcedAt: NOW, invocation: "r1" }))).toMatchObject({
      forcedAt: NOW,
      invocation: "r1",
    });
  });

  test.each([
    ["strategy_id", "x"],
    ["signal_id", ""],
    ["direction", "up"],
    ["side", "both"],
    ["time", "noon"],
    ["entry_id", "1"],
    ["log_uid", ""],
    ["symbol", ""],
    ["sent_at", "soon"],
    ["retry", "with space"],
    ["retried_at", "soon"],
  ])("with %s %j is refused, and the field is named", (name, value) => {
    const parsed = parseTask({ id: ID, fields: { ...taskFields(), [name]: value } });
    expect(parsed).toEqual({ ok: false, error: expect.stringContaining(name) });
  });

  test("is parsed without an exception, whatever its fields", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...Object.keys(taskFields()), "x"), fc.string()),
        (fields) => {
          expect(typeof parseTask({ id: ID, fields }).ok).toBe("boolean");
        },
      ),
    );
  });
});

describe("the age of a task's signal", () => {
  test.each([
    ["from sent_at", { sentAt: NOW - 7 }, 7],
    ["else from the id of the signal's entry", { sentAt: null, entryId: `${NOW - 9}-0` }, 9],
    ["from the invocation, when it was forced", { sentAt: NOW - 7, forcedAt: NOW - 3 }, 3],
    ["from a retry that allows any age", { sentAt: NOW - 7, forcedAt: NOW - 3, retriedAt: NOW - 2 }, 2],
    ["and is never negative", { sentAt: NOW + 5 }, 0],
  ])("counts %s", (_, changes, age) => {
    expect(taskAge({ ...taskFrom(), ...changes }, NOW)).toBe(age);
  });
});

describe("the idempotency key", () => {
  const task = taskFrom();
  test("is the same for every run of a signal by a strategy", () => {
    const retried = { retry: "r1", retriedAt: NOW };
    const again = { ...task, ...retried, id: "9-9", invocation: "retry", entryId: "5-5", snapshot: "other" };
    expect(idempotencyKeyOf(again)).toBe(idempotencyKeyOf(task));
  });

  test("differs by strategy, by uid, and by forced replay", () => {
    const forced = { ...task, forcedAt: NOW };
    const keys = [
      task,
      { ...task, strategyId: 11 },
      { ...task, uid: "other" },
      { ...forced, invocation: "a" },
      { ...forced, invocation: "b" },
    ].map(idempotencyKeyOf);
    expect(new Set(keys).size).toBe(5);
  });
});

test("tasks share a lane when strategy and symbol are the same", () => {
  const task = taskFrom();
  expect(laneOf({ ...task, direction: "short" })).toBe(laneOf(task));
  expect(laneOf({ ...task, symbol: "ETHUSDT" })).not.toBe(laneOf(task));
  expect(laneOf({ ...task, strategyId: 1 })).not.toBe(laneOf(task));
});
