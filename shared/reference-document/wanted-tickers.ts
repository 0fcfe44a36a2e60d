import { canonicalJson } from "../reference/reference-text.ts";
import { effectiveTickers, exchangesIn, storedSymbols } from "./document-of-rows.ts";
import type { DocumentTicker } from "./document.ts";
import { keptRows } from "./kept-rows.ts";
import { matchRows } from "./match-rows.ts";
import type { StoredRows, StoredTicker } from "./stored-rows.ts";
import { isSymbol, otherSpelling, spellingOf, symbolsAmong, type SymbolOf } from "./ticker-symbols.ts";
import type { Wanted } from "./wanted-lists.ts";
import type { WantedOptions } from "./wanted-options.ts";

/** The tickers that a document wants, and what becomes of those that are stored. */
export function wantedTickers(
  { tickers }: StoredRows,
  entries: readonly DocumentTicker[],
  options: WantedOptions,
): WantedTickers {
  const effective = [...effectiveTickers(tickers)];
  const rows = effective.map(([, row]) => ({ name: spellingOf(row.symbol), row }));
  const nameOf = rowNames(rows, entries);
  const { found, faults } = matchRows<StoredTicker>({
    what: "ticker",
    path: "tickers",
    entries: entries.map(({ symbol, was }) => {
      return { key: "symbol", name: nameOf(symbol), was: was === undefined ? undefined : nameOf(was) };
    }),
    rows,
  });
  const storedSymbol = storedSymbols(tickers);
  const hasSymbol = ({ symbol }: StoredTicker, name: string): boolean =>
    isSymbol(symbol) && storedSymbol(symbol) === storedSymbol(name);
  const kept = keptRows(tickers, found, { kind: "tickers", hasName: hasSymbol, options });
  const listed = kept.map(({ symbol }) => symbol).filter(isSymbol);
  const symbolOf = symbolsAmong([...entries.map(({ symbol }) => symbol), ...listed]);
  const wanted = entries.map((ticker, at) => tickerRow(ticker, found[at], symbolOf));
  const after = new Map<StoredTicker, string>([
    ...kept.map((row) => [row, symbolOf(row.symbol)] as const),
    ...found.flatMap((row, at) =>
      row === undefined ? [] : [[row, symbolOf(entries[at]?.symbol ?? "")] as const],
    ),
  ]);
  return {
    wanted,
    faults,
    kept,
    symbolOf,
    moved: new Map(effective.map(([symbol, row]) => [symbol, after.get(row)])),
  };
}

export interface WantedTickers extends Wanted<StoredTicker> {
  /** Names tickers as they are after the edit. */
  readonly symbolOf: SymbolOf;
  /** The symbol that each ticker has after the edit, by the one before; undefined: it is removed. */
  readonly moved: ReadonlyMap<string, string | undefined>;
}

/** Finds the row that a symbol of the document means: its own, else the other one of `X` and `X.P` if the document lacks that. */
function rowNames(rows: readonly { readonly name: string }[], entries: readonly DocumentTicker[]): SymbolOf {
  const stored = new Set(rows.map(({ name }) => name));
  const named = new Set(entries.map(({ symbol }) => spellingOf(symbol)));
  return (text) => {
    const spelling = spellingOf(text);
    const other = otherSpelling(spelling);
    return !stored.has(spelling) && stored.has(other) && !named.has(other) ? other : spelling;
  };
}

function tickerRow(
  { symbol, status, trade_permission, exchanges }: DocumentTicker,
  row: StoredTicker | undefined,
  symbolOf: SymbolOf,
): StoredTicker {
  const normal = symbolOf(symbol);
  // Other spellings of the same stay as they are.
  const keptSymbol = row !== undefined && symbolOf(row.symbol) === normal ? row.symbol : normal;
  const wanted = exchangesIn(exchanges);
  const sameExchanges =
    row !== undefined && canonicalJson(exchangesIn(row.exchanges)) === canonicalJson(wanted);
  return {
    symbol: keptSymbol,
    status,
    trade_permission,
    exchanges: sameExchanges ? row.exchanges : wanted === "*" ? ["*"] : wanted,
  };
}
