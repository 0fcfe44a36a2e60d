import { tickerOf, type Symbols } from "../decide/resolve-symbol.ts";
import { isTradable } from "../reference/compare-references.ts";
import type { ReferenceContent, Ticker } from "../reference/reference.ts";

/** Signals for tickers that are traded with another reference and are not now, or are now those of other tickers, as lines. */
export function moreSymbols(before: ReferenceContent, after: ReferenceContent): readonly string[] {
  const hasExits = [...after.strategies.values()].some(({ exits }) => exits === true);
  const known = symbolsOf(before);
  return [
    ...[...after.tickers].flatMap(([symbol, ticker]) =>
      gained(symbol, ticker, { was: before.tickers.get(symbol), hasExits }),
    ),
    ...[...after.tickers].flatMap(([symbol, { aliases = [] }]) =>
      aliases
        .filter((alias) => known.aliases.get(alias) !== symbol)
        .map((alias) => `alias ${alias}: signals for it would be those of ticker ${symbol}`),
    ),
    ...respelled(before, known, symbolsOf(after)),
  ];
}

interface Was {
  readonly was: Ticker | undefined;
  /** Whether exits are dispatched, which need no ticker that may be traded. */
  readonly hasExits: boolean;
}

function gained(symbol: string, is: Ticker, { was, hasExits }: Was): string[] {
  const prefixes = moreExchanges(was?.exchanges, is.exchanges);
  const exchanges =
    was === undefined || prefixes === "" ? [] : [`ticker ${symbol}: also its symbol of ${prefixes}`];
  if (isTradable(is) && (was === undefined || !isTradable(was)))
    return [
      `ticker ${symbol} would be traded: it ${was === undefined ? "is new" : "is switched on"}`,
      ...exchanges,
    ];
  if (was === undefined && hasExits) return [`ticker ${symbol} is new: exits for it would be dispatched`];
  return exchanges;
}

function moreExchanges(was: Ticker["exchanges"] = [], is: Ticker["exchanges"] = []): string {
  if (was === "*" || was === is) return "";
  if (is === "*") return "any exchange";
  return is.filter((exchange) => !was.includes(exchange)).join(", ");
}

/** Spellings that mean other tickers once a ticker or an alias is gone. */
function respelled(before: ReferenceContent, was: Symbols, is: Symbols): string[] {
  const gone = [...before.tickers.keys(), ...was.aliases.keys()].filter(
    (spelling) => !is.tickers.has(spelling) && !is.aliases.has(spelling),
  );
  return gone.flatMap((spelling) => {
    const symbol = tickerOf(spelling, is);
    return symbol === undefined || symbol === tickerOf(spelling, was)
      ? []
      : [`${spelling}: signals for it would be those of ticker ${symbol}`];
  });
}

function symbolsOf({ tickers }: ReferenceContent): Symbols {
  const aliases = new Map<string, string>();
  for (const [symbol, ticker] of tickers)
    for (const alias of ticker.aliases ?? []) aliases.set(alias, symbol);
  return { tickers, aliases };
}
