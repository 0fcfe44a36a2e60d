import { parseSafeJson } from "../exact-json.ts";
import { canonicalJson } from "../reference/reference-text.ts";

/** Rows of the router's own reference tables, with every column that the document speaks of. */
export interface StoredRows {
  readonly tickers: readonly StoredTicker[];
  readonly signals: readonly StoredSignal[];
  readonly strategies: readonly StoredStrategy[];
  readonly strategy_signals: readonly { readonly strategy_id: number; readonly signal_id: number }[];
  readonly strategy_tickers: readonly { readonly strategy_id: number; readonly symbol: string }[];
}

export interface StoredTicker {
  readonly symbol: string;
  readonly status: "enabled" | "disabled";
  readonly trade_permission: "enabled" | "disabled";
}

export interface StoredSignal {
  readonly id: number;
  readonly name: string;
  readonly long_phrase: string | null;
  readonly short_phrase: string | null;
  readonly source: string | null;
  readonly enabled: boolean;
}

export interface StoredStrategy {
  readonly id: number;
  readonly name: string;
  readonly enabled: boolean;
  readonly archived: boolean;
  readonly allow_open: boolean;
  readonly reverse: boolean;
  readonly use_all_tickers: boolean;
  readonly handler: string;
  /** An object, unless the row is older than the check of the column. */
  readonly params: unknown;
  readonly signal_age_ms_max: number | null;
  readonly shadow: boolean;
}

export interface ReadStoredRows {
  readonly rows: StoredRows;
  /** Ids of strategies with a number in their params that JavaScript would change. */
  readonly inexact: ReadonlySet<number>;
}

export const NO_ROWS: StoredRows = {
  tickers: [],
  signals: [],
  strategies: [],
  strategy_signals: [],
  strategy_tickers: [],
};

/** The rows of a JSON text that Postgres made of them. */
export function storedRowsFrom(text: string): ReadStoredRows {
  const rows = JSON.parse(text) as StoredRows;
  const exact = parseSafeJson(text) as StoredRows;
  const inexact = rows.strategies.flatMap(({ id, params }, at) =>
    canonicalJson(params) === canonicalJson(exact.strategies[at]?.params) ? [] : [id],
  );
  return { rows, inexact: new Set(inexact) };
}

/** The rows of each strategy. */
export function groupedByStrategy<Row extends { readonly strategy_id: number }>(
  rows: readonly Row[],
): ReadonlyMap<number, readonly Row[]> {
  const groups = new Map<number, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.strategy_id);
    if (group === undefined) groups.set(row.strategy_id, [row]);
    else group.push(row);
  }
  return groups;
}
