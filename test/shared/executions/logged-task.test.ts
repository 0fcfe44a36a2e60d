import * as fc from "fast-check";
import { expect, test } from "vitest";
import { processSignals } from "../../../functions/process-signals.ts";
import { taskAppend, type LoggedTask } from "../../../shared/executions/logged-task.ts";
import { sharedFields } from "../../../shared/function.ts";
import { idempotencyKeyOf, laneOf, parseTask } from "../../../shared/task.ts";
import {
  contextFrom,
  effectsOf,
  entryFrom,
  NOW,
  recordIn,
  rowsWithStrategies,
  signalFields,
  signalRow,
  strategyRow,
  tasksIn,
} from "../../builders.ts";
import { snapshotWith, type TickersGiven } from "../decide/symbols-fixture.ts";

/** A task made again from the log is the one that was dispatched. */

/** A symbol that the record cuts. */
const LONG = "L".repeat(1_030);
const rows = rowsWithStrategies([strategyRow(10, { exits: true })], {
  signals: [signalRow(1, { exit_phrase: "EXIT", short_exit_phrase: "EXIT SHORT" })],
});
const tickers: TickersGiven = {
  BTCUSDT: { aliases: ["XBT"] },
  ETH: { exchanges: ["BINANCE"] },
  "ETH.P": {},
  [LONG]: { exchanges: "*", aliases: ["LONG"] },
};
const snapshot = snapshotWith(tickers, rows);

const times = fc.constantFrom(
  undefined,
  "",
  " 2025-01-15T11:59:30Z ",
  "2025-01-15 11:59:30.123456",
  "2025-01-15T11:59:30+03:00Z",
  "1736942370",
  "noon",
);
const signals = fc.record({
  bar_time: fc.constantFrom("2025-01-15T11:59:00Z", "1736942340", "2025-01-15 11:59"),
  received_at: times,
  sent_at: times,
  source: fc.constantFrom(undefined, "", " me "),
  symbol: fc.constantFrom("BTCUSDT", " btcusdt.p ", "eth.p", "xbt", "BINANCE:ETH", LONG, `X:${LONG}.P`),
  uid: fc.constantFrom(undefined, "given"),
  message: fc.constantFrom("SIGNAL_1_LONG", "EXIT", "EXIT SHORT"),
});

function loggedTask(fields: ReturnType<typeof signalFields>, forcedAt: number | undefined) {
  const forced = forcedAt === undefined ? {} : { invocation: "run-1", forcedAt };
  const entry = entryFrom(fields);
  const [result] = processSignals([entry], contextFrom({ snapshot, signalAgeMsMax: 0, ...forced }));
  const effects = effectsOf(result);
  const [dispatched = {}] = tasksIn(effects);
  const task: LoggedTask = {
    entryId: entry.id,
    invocation: forced.invocation ?? "live",
    strategyId: 10,
    strategy: "strategy 10",
    decision: { ...recordIn(effects), forcedAt: forcedAt ?? null },
    runs: [],
    attempts: [],
    retries: [],
  };
  return { dispatched, task };
}

const again = { retry: "r-1", strategy: "strategy 10", retriedAt: undefined };

test("whatever the signal was, forced or not: the same fields and idempotency key, and the retry", () => {
  fc.assert(
    fc.property(signals, fc.constantFrom(undefined, NOW), (changes, forcedAt) => {
      const { dispatched, task } = loggedTask(signalFields(changes), forcedAt);
      const append = taskAppend(task, again);
      const fields = append && { ...append.each?.[0], ...sharedFields(append) };
      expect(fields).toEqual({ ...dispatched, retry: "r-1" });
      const [first, second] = [dispatched, fields ?? {}].map((one) => parseTask({ id: "1-0", fields: one }));
      if (first?.ok !== true || second?.ok !== true) throw new Error("not a task");
      expect(idempotencyKeyOf(second.task)).toBe(idempotencyKeyOf(first.task));
      expect(laneOf(second.task)).toBe(laneOf(first.task));
    }),
  );
});

test("not under a symbol that the record has cut, and the fields do not have", () => {
  expect(taskAppend(loggedTask(signalFields({ symbol: LONG }), undefined).task, again)).toBeDefined();
  expect(taskAppend(loggedTask(signalFields({ symbol: "long" }), undefined).task, again)).toBeUndefined();
});

test("with the time of the retry when its age counts from there; not without the row of its invocation", () => {
  const { task } = loggedTask(signalFields(), undefined);
  expect(taskAppend(task, { ...again, retriedAt: NOW })?.common).toMatchObject({
    retried_at: "2025-01-15T12:00:00.000Z",
  });
  expect(taskAppend({ ...task, decision: { ...task.decision, forcedAt: undefined } }, again)).toBeUndefined();
});
