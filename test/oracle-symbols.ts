import type { ReferenceRows } from "../shared/reference/reference.ts";

/** Which ticker a symbol means, a second time, for comparison: on plain rows whose aliases are all of listed tickers. */
export function meantSymbol(text: string, rows: SymbolRows): string {
  const keys = new Set(rows.tickers.map(({ symbol }) => tickerKey(symbol, rows)));
  const aliases = new Map(
    rows.ticker_aliases.map(({ alias, symbol }) => [spelled(alias), tickerKey(symbol, rows)]),
  );
  const listed = (name: string): string | undefined => {
    if (keys.has(name)) return name;
    const meant = aliases.get(name);
    if (meant !== undefined || !name.endsWith(".P")) return meant;
    const base = name.slice(0, -2);
    if (keys.has(base)) return base;
    const perpetual = `${aliases.get(base)}.P`;
    return keys.has(perpetual) ? perpetual : aliases.get(base);
  };
  const whole = spelled(text);
  const found = listed(whole);
  if (found !== undefined) return found;
  const [, exchange = "", rest = ""] = /^([^:]+):([^]*)$/.exec(whole) ?? [];
  const behind = listed(rest);
  const row = rows.tickers.find(({ symbol }) => tickerKey(symbol, rows) === behind);
  const dropped = row?.exchanges?.some((name) => name === "*" || name === exchange) ?? false;
  return dropped && behind !== undefined ? behind : whole.replace(/\.P$/, "");
}

export type SymbolRows = Pick<ReferenceRows, "tickers" | "ticker_aliases">;

/** The symbol under which a listed ticker is known: X.P only beside X. */
export function tickerKey(text: string, { tickers }: Pick<SymbolRows, "tickers">): string {
  const symbol = spelled(text);
  const base = symbol.replace(/\.P$/, "");
  const isListed = (name: string): boolean => tickers.some((row) => spelled(row.symbol) === name);
  return isListed(symbol) && isListed(base) ? symbol : base;
}

function spelled(text: string): string {
  return text.trim().toUpperCase();
}
