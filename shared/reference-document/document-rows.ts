import type { ReferenceRows, SignalRow, StrategyRow } from "../reference/reference.ts";
import { unusableRow } from "../reference/row-faults.ts";
import { normaliseSymbol } from "../signal/signal.ts";
import type { DocumentStrategy, ReferenceDocument } from "./document.ts";

/** The rows of the reference tables, with the column that no decision needs. */
export interface DocumentRows extends Omit<ReferenceRows, "signals"> {
  readonly signals: readonly (SignalRow & { readonly source: string | null })[];
}

/**
 * The document of these rows: tickers by symbol, signals and strategies by id. The list of a strategy that trades all tickers
 * is not in it. @throws Error for a strategy whose row cannot be used: what stands in for it must not be applied
 */
export function documentFromRows(rows: DocumentRows): ReferenceDocument {
  const signals = rows.signals.toSorted((a, b) => a.id - b.id);
  const subscribed = pairs(rows.strategy_signals.map((row) => [row.strategy_id, row.signal_id]));
  const listed = pairs(rows.strategy_tickers.map((row) => [row.strategy_id, row.symbol]));
  return {
    tickers: rows.tickers
      .map(({ symbol, status, trade_permission }) => ({ symbol, status, trade_permission }))
      .toSorted((a, b) => compare(a.symbol, b.symbol)),
    signals: signals.map(({ name, long_phrase, short_phrase, source, enabled }) => ({
      name,
      long_phrase,
      short_phrase,
      source,
      enabled,
    })),
    strategies: rows.strategies
      .toSorted((a, b) => a.id - b.id)
      .map((row) => {
        const ids = new Set(subscribed.get(row.id));
        const names = signals.filter(({ id }) => ids.has(id)).map(({ name }) => name);
        return strategyOf(row, names, listed.get(row.id) ?? []);
      }),
  };
}

function strategyOf(
  row: StrategyRow,
  signals: readonly string[],
  symbols: readonly string[],
): DocumentStrategy {
  const unusable = unusableRow(row);
  if (unusable !== undefined) throw new Error(`cannot be written as a document: ${unusable.text}`);
  const bySymbol = new Map(symbols.toSorted(compare).map((symbol) => [normaliseSymbol(symbol), symbol]));
  return {
    name: row.name,
    signals,
    tickers: row.use_all_tickers ? "all" : [...bySymbol.values()],
    handler: row.handler,
    params: row.params,
    enabled: row.enabled,
    archived: row.archived,
    allow_open: row.allow_open,
    reverse: row.reverse,
    signal_age_ms_max: row.signal_age_ms_max,
    shadow: row.shadow,
  };
}

function pairs<Value>(of: readonly (readonly [number, Value])[]): ReadonlyMap<number, readonly Value[]> {
  const lists = new Map<number, Value[]>();
  for (const [id, value] of of) {
    const list = lists.get(id);
    if (list === undefined) lists.set(id, [value]);
    else list.push(value);
  }
  return lists;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
