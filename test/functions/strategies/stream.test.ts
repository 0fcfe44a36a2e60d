import { expect, test } from "vitest";
import { stream } from "../../../functions/strategies/stream.ts";
import { idempotencyKeyOf } from "../../../shared/task.ts";
import { runStrategy } from "./run-strategy.ts";

/** The fields that workers in other languages read. */
const EIGHT = [
  ["strategy_id", "signal_id", "symbol", "direction"],
  ["time", "received_at", "log_uid", "source"],
].flat();

test("the entry has the eight fields of a task, with all times in UTC, and those that identify the run", async () => {
  const signal = {
    source: "indicator",
    sent_at: "2025-01-15T11:59:58.5Z",
    received_at: "2025-01-15T11:59:59Z",
  };
  const { attempt, task, taskFields } = await runStrategy(stream, { signal });
  expect(attempt).toMatchObject({ status: "executed", detail: { stream: "strategies:7" } });
  const append = "append" in attempt ? attempt.append : undefined;
  expect(append?.stream).toBe("strategies:7");
  const { snapshot: _snapshot, ...others } = taskFields;
  expect(append?.fields).toEqual({
    ...others,
    // A task has it without zone, for workers that read tasks.
    received_at: "2025-01-15T11:59:59.000Z",
    idempotency_key: idempotencyKeyOf(task),
  });
  expect(Object.keys(append?.fields ?? {})).toEqual(expect.arrayContaining(EIGHT));
});

test.each([
  ["SIGNAL_1_EXIT", ""],
  ["SIGNAL_1_EXIT_LONG", "long"],
])("the entry of the exit %s has the side %j, as its task has", async (message, side) => {
  const { attempt, taskFields } = await runStrategy(stream, { signal: { message } });
  expect(attempt).toMatchObject({ append: { fields: { direction: "flat", side } } });
  expect(taskFields).toMatchObject({ direction: "flat", side });
});

test("what the signal did not have is empty", async () => {
  const { attempt } = await runStrategy(stream);
  expect(attempt).toMatchObject({ append: { fields: { sent_at: "", source: "" } } });
});

test("params name another stream", async () => {
  const { attempt } = await runStrategy(stream, { params: { stream: "desk-2:fx.EU_1" } });
  expect(attempt).toMatchObject({
    append: { stream: "strategies:desk-2:fx.EU_1" },
    detail: { stream: "strategies:desk-2:fx.EU_1" },
  });
});

test.each([
  ["an empty name", { stream: "" }],
  ["a name with a space", { stream: "a b" }],
  ["a name with a line end", { stream: "a\n" }],
  ["a name of 101 characters", { stream: "x".repeat(101) }],
  ["a number", { stream: 7 }],
  ["a misspelt parameter", { steam: "a" }],
])("%s does not fit", async (_what, params) => {
  const { attempt } = await runStrategy(stream, { params });
  expect(attempt).toMatchObject({ status: "failed", reason: "invalid_params" });
});
