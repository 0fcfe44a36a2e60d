import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildReference, contentJson } from "../../../shared/reference/build-reference.ts";
import type { ReferenceRows } from "../../../shared/reference/reference.ts";
import { anyRows } from "../../arbitraries.ts";
import { rowsWithStrategies, signalRow, strategyRow, tickerRow } from "../../builders.ts";

const shuffle = <T>(rows: readonly T[]): fc.Arbitrary<T[]> =>
  fc.shuffledSubarray([...rows], { minLength: rows.length, maxLength: rows.length });

describe("the version", () => {
  const params = { a: 1, b: { c: [1, 2], d: null } };
  const limited = strategyRow(10, { use_all_tickers: false, params });
  const rows = rowsWithStrategies([limited], { strategy_tickers: [{ strategy_id: 10, symbol: "BTCUSDT" }] });
  const version = (changes: Partial<ReferenceRows> = {}): string =>
    buildReference({ ...rows, ...changes }).version;
  const strategy = (changes: Partial<typeof limited>) => ({ strategies: [{ ...limited, ...changes }] });

  test("is 16 hex digits", () => {
    expect(version()).toMatch(/^[0-9a-f]{16}$/);
  });

  test.each<[string, Partial<ReferenceRows>]>([
    ["ticker's status", { tickers: [tickerRow("BTCUSDT", { status: "disabled" })] }],
    ["ticker's permission", { tickers: [tickerRow("BTCUSDT", { trade_permission: "disabled" })] }],
    ["ticker more", { tickers: [...rows.tickers, tickerRow("ETHUSDT")] }],
    ["ticker less", { tickers: [] }],
    ["phrase", { signals: [signalRow(1, { long_phrase: "OTHER" })] }],
    ["phrase's spelling", { signals: [signalRow(1, { long_phrase: "signal_1_long" })] }],
    [
      "phrase's direction",
      { signals: [signalRow(1, { long_phrase: "SIGNAL_1_SHORT", short_phrase: "SIGNAL_1_LONG" })] },
    ],
    ["signal's switch", { signals: [signalRow(1, { enabled: false })] }],
    ["signal more", { signals: [signalRow(1), signalRow(2)] }],
    ["strategy less", { strategies: [], strategy_signals: [], strategy_tickers: [] }],
    ["subscription", { strategy_signals: [] }],
    ["strategy's name", strategy({ name: "other" })],
    ["strategy's switch", strategy({ enabled: false })],
    ["strategy archived", strategy({ archived: true })],
    ["strategy's allow_open", strategy({ allow_open: false })],
    ["strategy's reverse", strategy({ reverse: true })],
    ["strategy's use_all_tickers", strategy({ use_all_tickers: true })],
    ["strategy's tickers", { strategy_tickers: [{ strategy_id: 10, symbol: "ETHUSDT" }] }],
    ["strategy without its ticker", { strategy_tickers: [] }],
    ["strategy's handler", strategy({ handler: "webhook" })],
    ["strategy's params", strategy({ params: { ...params, a: 2 } })],
    ["parameter deep down", strategy({ params: { ...params, b: { c: [2, 1], d: null } } })],
    [
      "parameter named __proto__",
      strategy({ params: JSON.parse('{"a":1,"b":{"c":[1,2],"d":null},"__proto__":1}') }),
    ],
    ["strategy's own age", strategy({ signal_age_ms_max: 1000 })],
    ["strategy in the shadow", strategy({ shadow: true })],
  ])("is another one with another %s", (_what, changes) => {
    expect(version(changes)).not.toBe(version());
  });

  test.each<[string, Partial<ReferenceRows>]>([
    ["the order of keys in params", strategy({ params: { b: { d: null, c: [1, 2] }, a: 1 } })],
    ["the spelling of a ticker", { tickers: [tickerRow("btcusdt.P")] }],
    [
      "a ticker listed twice for a strategy",
      { strategy_tickers: [...rows.strategy_tickers, { strategy_id: 10, symbol: "btcusdt" }] },
    ],
    ["the name of a signal", { signals: [signalRow(1, { name: "other" })] }],
  ])("does not depend on %s", (_what, changes) => {
    expect(version(changes)).toBe(version());
  });

  test("does not depend on the order of rows, nor does anything else of the reference", () => {
    const shuffled = anyRows.chain((some) =>
      fc.tuple(
        fc.constant(some),
        fc.record({
          tickers: shuffle(some.tickers),
          signals: shuffle(some.signals),
          strategies: shuffle(some.strategies),
          strategy_signals: shuffle(some.strategy_signals),
          strategy_tickers: shuffle(some.strategy_tickers),
        }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([some, other]) => {
        const [one, two] = [buildReference(some), buildReference(other)];
        expect(two).toEqual(one);
        expect(JSON.stringify(contentJson(two.content))).toBe(JSON.stringify(contentJson(one.content)));
      }),
    );
  });
});
