import { describe, expect, test } from "vitest";
import { buildReference } from "../../../shared/reference/build-reference.ts";
import type { ReferenceRows } from "../../../shared/reference/reference.ts";
import { rowFaultText } from "../../../shared/reference/row-faults.ts";
import { snapshotOf } from "../../../shared/reference/snapshot.ts";
import { newlySplit, splitTickers, splitTickerText } from "../../../shared/reference/split-tickers.ts";
import { referenceRows, rowsWithStrategies, strategyRow, tickerRow } from "../../builders.ts";

type AliasRows = ReferenceRows["ticker_aliases"];

const built = (tickers: readonly string[], aliases: AliasRows = []) =>
  buildReference(
    referenceRows({ tickers: tickers.map((symbol) => tickerRow(symbol)), ticker_aliases: aliases }),
  );

describe("aliases", () => {
  test("belong to their ticker, trimmed, in upper case and sorted, with their .P and their exchange", () => {
    const { content, faults, version } = built(
      ["BTCUSDT", "ETHUSDT"],
      [
        { alias: "xbtusd ", symbol: "btcusdt.P" },
        { alias: "XBTUSD", symbol: "BTCUSDT" },
        { alias: "BTC/USDT", symbol: "BTCUSDT" },
        { alias: "BINANCE:BTC.P", symbol: "BTCUSDT" },
      ],
    );
    expect(content.tickers.get("BTCUSDT")?.aliases).toEqual(["BINANCE:BTC.P", "BTC/USDT", "XBTUSD"]);
    expect(content.tickers.get("ETHUSDT")).not.toHaveProperty("aliases");
    expect(faults).toEqual([]);
    expect(snapshotOf(version, content).aliases.get("XBTUSD")).toBe("BTCUSDT");
  });

  test.each<[string, AliasRows, readonly string[]]>([
    [
      "is a ticker's symbol",
      [{ alias: "ethusdt", symbol: "BTCUSDT" }],
      [
        'table ticker_aliases, row ethusdt, column alias: "ETHUSDT" (means ticker ETHUSDT by itself) instead of a spelling that means no ticker by itself; the alias is left out: the symbol means its own ticker',
      ],
    ],
    [
      "is a ticker's perpetual",
      [{ alias: "SOLUSDT.P", symbol: "BTCUSDT" }],
      [expect.stringContaining('"SOLUSDT.P" (means ticker SOLUSDT by itself)')],
    ],
    [
      "is given to two tickers",
      [
        { alias: "XBT", symbol: "BTCUSDT" },
        { alias: "xbt", symbol: "ETHUSDT" },
      ],
      [
        expect.stringContaining('row XBT, column alias: "XBT" (given to BTCUSDT and to ETHUSDT) instead of'),
        expect.stringContaining('row xbt, column alias: "XBT" (given to BTCUSDT and to ETHUSDT) instead of'),
      ],
    ],
    [
      "is of no ticker",
      [{ alias: "XBT", symbol: "NONE" }],
      [
        'table ticker_aliases, row XBT, column symbol: "NONE" instead of the symbol of a ticker; the alias is left out: its signals are ignored as unknown_ticker',
      ],
    ],
    [
      "is the symbol of rows that cannot be used",
      [{ alias: "TWICE", symbol: "BTCUSDT" }],
      [
        expect.stringContaining("2 rows that differ"),
        expect.stringContaining('row TWICE, column alias: "TWICE" (means ticker TWICE by itself)'),
      ],
    ],
  ])("one that %s is left out and named", (_, aliases, texts) => {
    const tickers = ["BTCUSDT", "ETHUSDT", "SOLUSDT.P"].map((symbol) => tickerRow(symbol));
    // As a view may have them.
    const twice = [tickerRow("TWICE"), tickerRow("TWICE", { status: "disabled" })];
    const isTwice = aliases.some(({ alias }) => alias === "TWICE");
    const { content, faults } = buildReference(
      referenceRows({ tickers: isTwice ? [...tickers, ...twice] : tickers, ticker_aliases: aliases }),
    );
    expect([...content.tickers.values()].filter((ticker) => ticker.aliases !== undefined)).toEqual([]);
    expect(faults.map(rowFaultText)).toEqual(texts);
  });
});

describe("exchanges", () => {
  test.each([
    [null, undefined],
    [[], undefined],
    [
      ["bybit ", "BINANCE", "binance"],
      ["BINANCE", "BYBIT"],
    ],
    [["*"], "*"],
    [["BINANCE", "*"], "*"],
  ])("%j become %j", (exchanges, expected) => {
    const { content } = buildReference(referenceRows({ tickers: [tickerRow("BTCUSDT", { exchanges })] }));
    expect(content.tickers.get("BTCUSDT")?.exchanges).toEqual(expected);
  });
});

describe("a perpetual", () => {
  const lists = (...symbols: string[]) =>
    rowsWithStrategies([strategyRow(10, { name: "Trend", use_all_tickers: false })], {
      strategy_tickers: symbols.map((symbol) => ({ strategy_id: 10, symbol })),
    });

  test.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ["listed beside its symbol is a ticker of its own", [" btc", "BTC.p"], ["BTC", "BTC.P"], ["BTC.P"]],
    ["listed alone is its symbol", ["BTC.P"], ["BTC"], ["BTC"]],
    ["that is not listed is its symbol", ["BTC"], ["BTC"], ["BTC"]],
  ])("%s, for tickers and for lists", (_, tickers, keys, listed) => {
    const rows = { ...lists("btc.P"), tickers: tickers.map((symbol) => tickerRow(symbol)) };
    const { content, warnings } = buildReference(rows);
    expect([...content.tickers.keys()]).toEqual(keys);
    expect(content.strategies.get(10)?.symbols).toEqual(listed);
    expect(warnings).toEqual([]);
  });

  test("whose symbol cannot be used does not take its place", () => {
    const twice = [tickerRow("BTC"), tickerRow("BTC", { status: "disabled" }), tickerRow("BTC.P")];
    expect([...buildReference({ ...lists(), tickers: twice }).content.tickers.keys()]).toEqual(["BTC.P"]);
  });

  test("that is one for the first time is named, with the strategies that list only one of both", () => {
    const rows = rowsWithStrategies(
      [1, 2, 3, 4].map((id) =>
        strategyRow(id, { name: `s${id}`, use_all_tickers: id === 4, archived: id === 3 }),
      ),
      {
        tickers: ["A", "A.P", "B"].map((symbol) => tickerRow(symbol)),
        strategy_tickers: [
          { strategy_id: 1, symbol: "A" },
          { strategy_id: 2, symbol: "a.p" },
          { strategy_id: 3, symbol: "A" },
        ],
      },
    );
    const { content } = buildReference(rows);
    const splits = splitTickers(content);
    expect(splits.map(splitTickerText)).toEqual([
      "A and A.P are both listed, so they are two tickers: a signal for A.P is not one for A. These strategies list A alone, so they get no signal for A.P: s1 (1). These strategies list A.P alone, so they get no signal for A: s2 (2). List both where both are meant, or delete the ticker that is not one of its own",
    ]);
    expect(newlySplit(splits, content)).toEqual([]);
    expect(newlySplit(splits, built(["A"]).content)).toEqual(splits);
    expect(newlySplit(splits, undefined)).toEqual(splits);
  });
});
