import type { DocumentAlias } from "./document.ts";
import type { StoredAlias } from "./stored-rows.ts";
import { aliasOf, isSymbol, shortOf, type SymbolOf } from "./ticker-symbols.ts";

/** The tickers that aliases may mean, and how they are named. */
export interface KnownTickers {
  readonly symbolOf: SymbolOf;
  readonly symbols: ReadonlySet<string>;
}

export interface EffectiveAlias extends DocumentAlias {
  /** The rows of its spellings. */
  readonly rows: readonly StoredAlias[];
}

/** The stored aliases that count, by their normal spelling, and why others do not. */
export function effectiveAliases(
  stored: readonly StoredAlias[],
  tickers: KnownTickers,
): {
  readonly found: ReadonlyMap<string, EffectiveAlias>;
  readonly faults: ReadonlyMap<StoredAlias, string>;
} {
  const groups = new Map<string, StoredAlias[]>();
  for (const row of stored) groups.set(aliasOf(row.alias), [...(groups.get(aliasOf(row.alias)) ?? []), row]);
  const found = new Map<string, EffectiveAlias>();
  const faults = new Map<StoredAlias, string>();
  for (const [alias, rows] of groups) {
    const symbols = [...new Set(rows.map(({ symbol }) => tickers.symbolOf(symbol)))];
    const [symbol = ""] = symbols;
    const fault = aliasFault(alias, rows, symbols, tickers);
    if (fault === undefined) found.set(alias, { alias, symbol, rows });
    else for (const row of rows) faults.set(row, fault);
  }
  return { found, faults };
}

function aliasFault(
  alias: string,
  rows: readonly StoredAlias[],
  symbols: readonly string[],
  tickers: KnownTickers,
): string | undefined {
  if (shortOf(alias) === "" || !rows.every(({ symbol }) => isSymbol(symbol))) return "it is no symbol";
  if (symbols.length > 1) return `it is an alias of ${symbols.join(" and of ")}`;
  const [symbol = ""] = symbols;
  if (!tickers.symbols.has(symbol)) return `there is no ticker ${symbol}`;
  const own = ownTicker(alias, tickers);
  return own === undefined ? undefined : `it is the symbol of ticker ${own}`;
}

/** The ticker that an alias means by itself, without being one. */
export function ownTicker(alias: string, { symbolOf, symbols }: KnownTickers): string | undefined {
  const own = symbolOf(alias);
  return symbols.has(own) ? own : undefined;
}
