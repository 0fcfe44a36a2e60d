import { describe, expect, test } from "vitest";
import { permissionStops, tickerStops } from "../../functions/task-stops.ts";
import type { ExecutionContext } from "../../shared/decide/execution.ts";
import { parseTask, type Task } from "../../shared/task.ts";
import { NOW, rowsWithStrategies, snapshotFrom, strategyRow, taskFields, tickerRow } from "../builders.ts";

function taskFrom(changes: Readonly<Record<string, string>> = {}): Task {
  const parsed = parseTask({ id: "1-1", fields: taskFields(NOW - 400_000, changes) });
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.task;
}

function contextOf(
  strategy: Parameters<typeof strategyRow>[1],
  changes: Partial<ExecutionContext> = {},
): ExecutionContext {
  const tickers = [tickerRow("BTCUSDT"), tickerRow("OFF", { status: "disabled" })];
  const snapshot = snapshotFrom(rowsWithStrategies([strategyRow(10, strategy)], { tickers }));
  const control = { epoch: "1", allPaused: false, pausedStrategies: new Set<number>() };
  return { snapshot, control, now: NOW, signalAgeMsMax: 0, ...changes };
}

const reasons = (stops: readonly { reason: string }[]): string[] => stops.map(({ reason }) => reason);

describe("what stops an exit", () => {
  const stopsOf = (row: Parameters<typeof strategyRow>[1], symbol: string) => {
    const context = contextOf(row, { signalAgeMsMax: 1_000 });
    const strategy = context.snapshot.strategies.get(10);
    if (strategy === undefined) throw new Error("no strategy");
    const task = taskFrom({ direction: "flat", symbol });
    return reasons([...permissionStops(task, context), ...tickerStops(task, strategy, context)]);
  };

  test("is nothing about opening", () => {
    const closing = { exits: true, exit_age_ms_max: 0, allow_open: false, use_all_tickers: false };
    expect(stopsOf(closing, "OFF")).toEqual([]);
    expect(stopsOf({ ...closing, exits: false }, "OFF")).toEqual(["exits_not_taken"]);
    expect(stopsOf(closing, "BTCUSTD")).toEqual(["unknown_ticker"]);
  });

  test("is its age by the strategy's limit, named once", () => {
    expect(stopsOf({ exits: true, exit_age_ms_max: 500, shadow: true }, "BTCUSDT")).toEqual([
      "shadow",
      "stale",
    ]);
    expect(stopsOf({ exits: true }, "BTCUSDT")).toEqual(["stale"]);
  });
});

describe("what stops a task", () => {
  test("is all of it, not only what a run would name first", () => {
    const context = contextOf(
      { enabled: false, archived: true, shadow: true },
      { signalAgeMsMax: 1_000, control: { epoch: "1", allPaused: true, pausedStrategies: new Set([10]) } },
    );
    const stops = permissionStops(taskFrom(), context);
    expect(reasons(stops)).toEqual([
      "strategy_disabled",
      "strategy_archived",
      "shadow",
      "stale",
      "paused",
      "paused",
    ]);
    expect(stops.map(({ text }) => text).slice(-3)).toEqual([
      "its signal is 400000 ms old, more than 1000 ms",
      "every strategy is paused",
      "the strategy is paused",
    ]);
  });

  test("is nothing for a task that would run, and ends with an unknown strategy", () => {
    expect(permissionStops(taskFrom(), contextOf({}))).toEqual([]);
    expect(reasons(permissionStops(taskFrom({ strategy_id: "99" }), contextOf({})))).toEqual([
      "unknown_strategy",
    ]);
  });

  test.each<[string, Parameters<typeof strategyRow>[1], string, string[]]>([
    ["nothing", {}, "BTCUSDT", []],
    ["a ticker that is not known", {}, "BTCUSTD", ["unknown_ticker"]],
    ["a ticker that is disabled", {}, "OFF", ["ticker_disabled"]],
    ["a ticker of others", { use_all_tickers: false }, "BTCUSDT", ["ticker_not_allowed"]],
    [
      "both",
      { use_all_tickers: false, allow_open: false },
      "BTCUSDT",
      ["open_not_allowed", "ticker_not_allowed"],
    ],
    ["not what a run checks", { enabled: false, shadow: true }, "BTCUSDT", []],
  ])("by the symbol it is for: %s", (_, row, symbol, expected) => {
    const context = contextOf(row, { control: { epoch: "1", allPaused: true, pausedStrategies: new Set() } });
    const strategy = context.snapshot.strategies.get(10);
    if (strategy === undefined) throw new Error("no strategy");
    expect(reasons(tickerStops(taskFrom({ symbol }), strategy, context))).toEqual(expected);
  });
});
