import type { SystemEvent } from "../events.ts";
import { normaliseSymbol, spellingOf } from "../signal/signal.ts";
import { compareTexts, sortedMap } from "./reference-text.ts";
import type { RawReferenceRows, ReferenceRows, Ticker, TickerRow } from "./reference.ts";
import { keyText, rowFault, valueText, type RowFault } from "./row-faults.ts";

/** The tickers by the symbols that decisions know them by, with the other spellings that mean them. */
export function tickersOf(rows: ReferenceRows, symbols: TickerSymbols): BuiltTickers {
  const warnings: SystemEvent[] = [];
  const listed = new Map<string, TickerRow>();
  for (const row of rows.tickers.toSorted((a, b) => compareTexts(a.symbol, b.symbol))) {
    const key = symbols.keyOf(row.symbol);
    const other = listed.get(key);
    if (other !== undefined) {
      warnings.push(twoSpellings(key, [other.symbol, row.symbol]));
      if (row.symbol !== key) continue;
    }
    listed.set(key, row);
  }
  const { aliases, faults } = aliasesOf(rows, { listed, symbols });
  const tickers = sortedMap([...listed].map(([key, row]) => [key, tickerOf(row, aliases.get(key))] as const));
  return { tickers, warnings, faults };
}

export interface BuiltTickers {
  readonly tickers: Map<string, Ticker>;
  readonly warnings: readonly SystemEvent[];
  readonly faults: readonly RowFault[];
}

/** Which tickers the symbols in rows mean. */
export interface TickerSymbols {
  /** Each X.P that is listed beside its X, and so is a ticker of its own. */
  readonly perpetuals: ReadonlySet<string>;
  /** All tickers, also those whose rows cannot be used: without its ticker, a symbol must not become an alias of another one. */
  readonly keys: ReadonlySet<string>;
  readonly keyOf: (symbol: string) => string;
}

/**
 * X and X.P are two tickers where both are listed, else one. Rows that cannot be used count too: without X, a signal for X must not
 * become one for X.P.
 */
export function tickerSymbols({ tickers }: Pick<RawReferenceRows, "tickers">): TickerSymbols {
  const spelled = new Set(
    tickers.flatMap((row) => {
      const { symbol }: { symbol?: unknown } = Object(row);
      return typeof symbol === "string" ? [spellingOf(symbol)] : [];
    }),
  );
  const perpetuals = new Set(
    [...spelled].filter((symbol) => {
      const base = normaliseSymbol(symbol);
      return base !== symbol && spelled.has(base);
    }),
  );
  const keyOf = (symbol: string): string => {
    const asWritten = spellingOf(symbol);
    return perpetuals.has(asWritten) ? asWritten : normaliseSymbol(symbol);
  };
  return { perpetuals, keys: new Set([...spelled].map(keyOf)), keyOf };
}

function tickerOf(
  { status, trade_permission, exchanges }: TickerRow,
  aliases: ReadonlySet<string> | undefined,
): Ticker {
  return {
    status,
    trade_permission,
    ...(aliases === undefined ? {} : { aliases: [...aliases].toSorted(compareTexts) }),
    ...(exchanges === null || exchanges.length === 0 ? {} : { exchanges: exchangesOf(exchanges) }),
  };
}

function exchangesOf(exchanges: readonly string[]): NonNullable<Ticker["exchanges"]> {
  return exchanges.includes("*") ? "*" : [...new Set(exchanges)].toSorted(compareTexts);
}

interface Listed {
  readonly listed: ReadonlyMap<string, TickerRow>;
  readonly symbols: TickerSymbols;
}

/** The aliases of each ticker; those that are not clear are left out and named. */
function aliasesOf(
  { ticker_aliases }: Pick<ReferenceRows, "ticker_aliases">,
  { listed, symbols }: Listed,
): { readonly aliases: ReadonlyMap<string, ReadonlySet<string>>; readonly faults: readonly RowFault[] } {
  const rows = ticker_aliases.map(({ alias, symbol }) => ({
    row: keyText(alias),
    alias: spellingOf(alias),
    key: symbols.keyOf(symbol),
    symbol,
  }));
  const keys = new Map<string, Set<string>>();
  for (const { alias, key } of rows) keys.set(alias, (keys.get(alias) ?? new Set()).add(key));
  const aliases = new Map<string, Set<string>>();
  const faults: RowFault[] = [];
  for (const { row, alias, key, symbol } of rows) {
    const place = { table: "ticker_aliases", row } as const;
    const of = [...(keys.get(alias) ?? [])].toSorted(compareTexts);
    const own = symbols.keyOf(alias);
    if (symbols.keys.has(own)) {
      const value = `${valueText(alias)} (means ticker ${own} by itself)`;
      faults.push(rowFault({ ...place, column: "alias", value, rule: "is_ticker" }));
    } else if (of.length > 1) {
      const value = `${valueText(alias)} (given to ${of.slice(0, 2).join(" and to ")})`;
      faults.push(rowFault({ ...place, column: "alias", value, rule: "of_two" }));
    } else if (!listed.has(key))
      faults.push(rowFault({ ...place, column: "symbol", value: valueText(symbol), rule: "no_ticker" }));
    else aliases.set(key, (aliases.get(key) ?? new Set()).add(alias));
  }
  return { aliases, faults };
}

function twoSpellings(symbol: string, rows: readonly string[]): SystemEvent {
  return {
    level: "WARNING",
    source: "refresh-reference",
    message: `tickers ${rows.join(" and ")} are the same symbol ${symbol}; ${rows.includes(symbol) ? symbol : rows[0]} is used`,
    details: { symbol, rows },
    actionNeeded: true,
  };
}
