import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildReference, contentJson } from "../../../shared/reference/build-reference.ts";
import { referenceText } from "../../../shared/reference/reference-text.ts";
import type { ReferenceRows } from "../../../shared/reference/reference.ts";
import { rowsWithStrategies, signalRow, strategyRow, tickerRow } from "../../builders.ts";
import { widerRows } from "../../wider-references.ts";

const shuffle = <T>(rows: readonly T[]): fc.Arbitrary<T[]> =>
  fc.shuffledSubarray([...rows], { minLength: rows.length, maxLength: rows.length });

describe("the version", () => {
  const params = { a: 1, b: { c: [1, 2], d: null } };
  const limited = strategyRow(10, { use_all_tickers: false, params });
  const rows = rowsWithStrategies([limited], { strategy_tickers: [{ strategy_id: 10, symbol: "BTCUSDT" }] });
  const version = (changes: Partial<ReferenceRows> = {}): string =>
    buildReference({ ...rows, ...changes }).version;
  const strategy = (changes: Partial<typeof limited>) => ({ strategies: [{ ...limited, ...changes }] });

  const source = { name: "mine", enabled: true, format: "json", template: {}, uid: null } as const;

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
    ["exit phrase", { signals: [signalRow(1, { exit_phrase: "OUT" })] }],
    ["side of an exit", { signals: [signalRow(1, { long_exit_phrase: "OUT" })] }],
    ["strategy that takes exits", strategy({ exits: true })],
    ["strategy's age of exits", strategy({ exit_age_ms_max: 0 })],
    ["ticker's exchanges", { tickers: [tickerRow("BTCUSDT", { exchanges: ["*"] })] }],
    ["perpetual", { tickers: [tickerRow("BTCUSDT"), tickerRow("BTCUSDT.P")] }],
    ["alias", { ticker_aliases: [{ alias: "XBT", symbol: "BTCUSDT" }] }],
    ["alias that is left out", { ticker_aliases: [{ alias: "XBT", symbol: "NONE" }] }],
    ["source", { webhook_sources: [source] }],
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
    ["exchanges that are none", { tickers: [tickerRow("BTCUSDT", { exchanges: [] })] }],
    ["the name of a signal", { signals: [signalRow(1, { name: "other" })] }],
  ])("does not depend on %s", (_what, changes) => {
    expect(version(changes)).toBe(version());
  });

  test("of a reference that says nothing new is the one that versions before had, with faults, too", () => {
    const text = '{"b":[1,{"z":null,"a":"é"}],"a":1}';
    const faulty = rowsWithStrategies(
      [
        strategyRow(10, { use_all_tickers: false, params: JSON.parse(text) }),
        { ...strategyRow(20), params: [] as never },
      ],
      {
        tickers: [
          tickerRow("btcusdt.P"),
          tickerRow("ETHUSDT"),
          { ...tickerRow("XRP"), status: "on" as never },
        ],
        strategy_tickers: [{ strategy_id: 10, symbol: "ethusdt.p" }],
        signals: [
          signalRow(1),
          signalRow(2, { long_phrase: "signal_1_long", short_phrase: "SIGNAL_1_SHORT" }),
        ],
      },
    );
    const built = buildReference(faulty);
    expect(built.version).toBe("a7d3ef891e582d64");
    expect(referenceText(built.content, built.faults).format).toBe(2);
  });

  test.each<[string, Partial<ReferenceRows>]>([
    ["an exit", { signals: [signalRow(1, { exit_phrase: "OUT" })] }],
    ["a strategy that takes exits", strategy({ exits: true })],
    ["a perpetual", { tickers: [tickerRow("BTCUSDT"), tickerRow("BTCUSDT.P")] }],
    ["an exit that is left out", { signals: [signalRow(1, { exit_phrase: "SIGNAL_1_LONG" })] }],
    ["an alias that is left out", { ticker_aliases: [{ alias: "XBT", symbol: "NONE" }] }],
    ["a source that is left out", { webhook_sources: [{ ...source, format: "xml" as never }] }],
    ["a source", { webhook_sources: [source] }],
  ])("has format 3 with %s, which versions before would not see", (_what, changes) => {
    const { content, faults } = buildReference({ ...rows, ...changes });
    expect(referenceText(content, faults).format).toBe(3);
  });

  test("does not depend on the order of rows, nor does anything else of the reference", () => {
    const shuffled = widerRows.chain((some) =>
      fc.tuple(
        fc.constant(some),
        fc.record({
          tickers: shuffle(some.tickers),
          signals: shuffle(some.signals),
          strategies: shuffle(some.strategies),
          strategy_signals: shuffle(some.strategy_signals),
          strategy_tickers: shuffle(some.strategy_tickers),
          ticker_aliases: shuffle(some.ticker_aliases),
          webhook_sources: shuffle(some.webhook_sources),
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
