import { describe, expect, test } from "vitest";
import { buildReference } from "../../../shared/reference/build-reference.ts";
import type { RawReferenceRows, ReferenceTable } from "../../../shared/reference/reference.ts";
import { rowFaultText } from "../../../shared/reference/row-faults.ts";
import { rowsWithStrategies, strategyRow, tickerRow } from "../../builders.ts";

const rows = rowsWithStrategies([strategyRow(10), strategyRow(20)], {
  strategy_tickers: [{ strategy_id: 10, symbol: "BTCUSDT" }],
});

/** The rows with one more in the table. */
const withRow = (table: ReferenceTable, row: object): RawReferenceRows => ({
  ...rows,
  [table]: [...rows[table], row],
});

const faultTexts = (raw: RawReferenceRows): string[] => buildReference(raw).faults.map(rowFaultText);

describe("rows with the same key, as a view may have them", () => {
  test.each<[ReferenceTable, object, string]>([
    [
      "strategies",
      strategyRow(10, { enabled: false }),
      "table strategies, row strategy 10 (10), column id: 2 rows that differ instead of a whole number from 1 to 2147483647 that only one row has; the strategy is left out: it gets no signal",
    ],
    [
      "strategies",
      { ...strategyRow(10), id: "10", params: [] },
      "table strategies, row strategy 10 (10), column id: 2 rows that differ instead of a whole number from 1 to 2147483647 that only one row has; the strategy is left out: it gets no signal",
    ],
    [
      "tickers",
      tickerRow("BTCUSDT", { status: "disabled" }),
      "table tickers, row BTCUSDT, column symbol: 2 rows that differ instead of a symbol that only one row has; the ticker is left out: its signals are ignored as unknown_ticker",
    ],
  ])("are left out when they differ, in whatever order (%s %j)", (table, row, text) => {
    const raw = withRow(table, row);
    const turned = { ...raw, [table]: raw[table].toReversed() };
    expect(faultTexts(raw)).toContain(text);
    expect(buildReference(turned)).toEqual(buildReference(raw));
    const { content } = buildReference(raw);
    expect([content.strategies.has(10), content.tickers.has("BTCUSDT")]).toEqual([
      table !== "strategies",
      table !== "tickers",
    ]);
    expect(content.strategies.has(20)).toBe(true);
  });

  test("are one when they are the same", () => {
    const twice = { ...rows, tickers: [...rows.tickers, ...rows.tickers] };
    const built = buildReference({ ...twice, strategies: [...rows.strategies, strategyRow(10)] });
    expect(built).toEqual(buildReference(rows));
  });
});
