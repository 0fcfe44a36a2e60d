import { expect, test } from "vitest";
import { oldSignalOf, type OldRow } from "../../../shared/compare/old-row.ts";
import { NOW } from "../../builders.ts";

const row: OldRow = {
  id: "7",
  at: NOW,
  symbol: "btcusdt.p",
  signal_id: "3",
  direction: "LONG",
  message: "EMA_LONG",
  raw_message: '{"strategies":[1,2]}',
  bar_time: NOW - 60_000,
  status: "dispatched",
};
const read = (changes: Partial<OldRow>) => oldSignalOf({ ...row, ...changes });

test("a row becomes a signal", () => {
  expect(read({})).toEqual({
    id: "7",
    at: NOW,
    symbol: "BTCUSDT",
    signalId: 3,
    direction: "long",
    message: "EMA_LONG",
    barTime: NOW - 60_000,
    dispatched: true,
    strategies: [1, 2],
  });
});

test.each([
  ['{"strategies": []}', []],
  ['{"strategy_ids": ["4", 5]}', [4, 5]],
  ['{"strategies": [{"id": 4, "name": "a"}, {"strategy_id": 5, "id": 9}]}', [4, 5]],
  ["{'message': 'EMA_LONG', 'strategies': [4, 5], 'ok': True}", [4, 5]],
  ["{'strategies': []}", []],
  ['{"strategies": ["Trend"]}', null],
  ['{"message": "EMA_LONG"}', null],
  ["EMA_LONG BTCUSDT", null],
  ["[1, 2]", null],
  ["7", null],
  ["", null],
  [null, null],
])("strategies are read from %s", (raw_message, strategies) => {
  expect(read({ raw_message }).strategies).toEqual(strategies);
});

test.each<[Partial<OldRow>, number | null]>([
  [{ bar_time: "2025-01-15 11:59:00" }, NOW - 60_000],
  [{ bar_time: "" }, null],
  [{ bar_time: "soon" }, null],
  [{ bar_time: Infinity }, null],
  [{ bar_time: null }, null],
  [{ raw_message: '{"bar_time":""}' }, null],
  [{ raw_message: '{"bar_time":"noon"}' }, null],
  [{ raw_message: '{"bar_time":"2025-01-15T11:59:00Z"}' }, NOW - 60_000],
])("the bar time of %o is %s", (changes, barTime) => {
  expect(read(changes).barTime).toBe(barTime);
});

test("other values count as none", () => {
  expect(read({ symbol: null, signal_id: "x", direction: "", status: null, id: null })).toMatchObject({
    id: "",
    symbol: null,
    signalId: null,
    direction: null,
    dispatched: false,
  });
  expect(read({ direction: "sell" }).direction).toBe("short");
});
