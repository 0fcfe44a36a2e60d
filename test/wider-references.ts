import * as fc from "fast-check";
import type { ReferenceRows, SignalRow } from "../shared/reference/reference.ts";
import { anyRows } from "./arbitraries.ts";
import { tickerRow } from "./builders.ts";

/** Random references with all that rows can say: exits, aliases, exchanges, perpetuals beside their symbols, webhook sources. */

const often = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(arbitrary, { nil: null, freq: 2 });

/** Some of them are phrases that open. */
const exitPhrase = often(fc.constantFrom("OUT", "out ", "EXIT", "EMA_LONG", "RSI_SHORT", " "));
const exitPhrases = fc.record({
  exit_phrase: exitPhrase,
  long_exit_phrase: exitPhrase,
  short_exit_phrase: exitPhrase,
});
const exits = fc.record({
  exits: fc.boolean(),
  exit_age_ms_max: often(fc.constantFrom(0, 1_000, 60_000)),
});
const exchanges = often(fc.subarray(["BINANCE", "BYBIT", "*"]));

const anAlias = fc.record({
  alias: fc.constantFrom("XBTUSD", " xbtusd", "BTC/USDT", "BTCUSDT", "btcusdt.p", "BINANCE:BTC", "ETHUSDT.P"),
  symbol: fc.constantFrom("BTCUSDT", "btcusdt.P", "ETHUSDT", "NO_TICKER"),
});

const PLAIN = { noNullPrototype: true } as const;
const text = fc.constantFrom("{{ticker}}", "buy", "", "é\u{1F600}");
const member = fc.oneof(
  text,
  fc.record(
    {
      from: text,
      map: fc.dictionary(fc.constantFrom("buy", "sell", "toString"), text, PLAIN),
      default: text,
    },
    { requiredKeys: ["from"], ...PLAIN },
  ),
);
const aSource = (name: string) =>
  fc.record({
    name: fc.constant(name),
    enabled: fc.boolean(),
    format: fc.constantFrom("json" as const, "text" as const, "form" as const),
    template: fc.dictionary(fc.constantFrom("symbol", "message", "uid", "qty", "toString"), member, PLAIN),
    uid: often(fc.constantFrom("{{id}}", "{{order.id}} {{bar}}")),
  });

const added = fc.record({
  perpetuals: fc.subarray(["BTCUSDT.P", "ETHUSDT.P"]).map((symbols) => symbols.map((one) => tickerRow(one))),
  aliases: fc.array(anAlias, { maxLength: 4 }),
  sources: fc.subarray(["mine", "a-b"]).chain((names) => fc.tuple(...names.map(aSource))),
  exchanges: fc.array(exchanges, { minLength: 12, maxLength: 12 }),
  phrases: fc.array(exitPhrases, { minLength: 5, maxLength: 5 }),
  exits: fc.array(exits, { minLength: 5, maxLength: 5 }),
});

/** Each alias once, as its table has it. */
export const widerRows: fc.Arbitrary<ReferenceRows> = fc.tuple(anyRows, added).map(([rows, more]) => {
  const listed = new Set(rows.tickers.map(({ symbol }) => symbol));
  const tickers = [...rows.tickers, ...more.perpetuals.filter(({ symbol }) => !listed.has(symbol))];
  return {
    ...rows,
    tickers: tickers.map((row, at) => ({ ...row, exchanges: more.exchanges[at] ?? null })),
    signals: rows.signals.map((row, at): SignalRow => ({ ...row, ...more.phrases[at] })),
    strategies: rows.strategies.map((row, at) => ({ ...row, ...more.exits[at] })),
    ticker_aliases: [...new Map(more.aliases.map((row) => [row.alias, row])).values()],
    webhook_sources: more.sources,
  };
});
