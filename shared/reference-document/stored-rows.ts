import { parseSafeJson } from "../exact-json.ts";
import { canonicalJson } from "../reference/reference-text.ts";
import type { WebhookSource } from "../reference/webhook-source.ts";

/** Rows of the router's own reference tables, with every column that the document speaks of. */
export interface StoredRows {
  readonly tickers: readonly StoredTicker[];
  readonly signals: readonly StoredSignal[];
  readonly strategies: readonly StoredStrategy[];
  readonly strategy_signals: readonly { readonly strategy_id: number; readonly signal_id: number }[];
  readonly strategy_tickers: readonly { readonly strategy_id: number; readonly symbol: string }[];
  readonly ticker_aliases: readonly StoredAlias[];
  readonly webhook_sources: readonly StoredSource[];
}

/** The rows that have names, by the kind that documents call them. */
export interface NamedRows extends Pick<StoredRows, "tickers" | "signals" | "strategies"> {
  readonly aliases: readonly StoredAlias[];
  readonly sources: readonly StoredSource[];
}

export interface StoredTicker {
  readonly symbol: string;
  readonly status: "enabled" | "disabled";
  readonly trade_permission: "enabled" | "disabled";
  /** `*` among them: any; null: none. */
  readonly exchanges: readonly string[] | null;
}

export interface StoredSignal {
  readonly id: number;
  readonly name: string;
  readonly long_phrase: string | null;
  readonly short_phrase: string | null;
  readonly exit_phrase: string | null;
  readonly long_exit_phrase: string | null;
  readonly short_exit_phrase: string | null;
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
  readonly exits: boolean;
  readonly exit_age_ms_max: number | null;
}

export interface StoredAlias {
  readonly alias: string;
  readonly symbol: string;
}

export interface StoredSource {
  readonly name: string;
  readonly enabled: boolean;
  readonly format: WebhookSource["format"];
  /** An object; whether it is a template is not checked by Postgres. */
  readonly template: unknown;
  readonly uid: string | null;
}

export interface ReadStoredRows {
  readonly rows: StoredRows;
  /** Ids of strategies with a number in their params that JavaScript would change. */
  readonly inexact: ReadonlySet<number>;
  /** Whether the rows are only the router's own, while the others are another system's. */
  readonly isForeign?: boolean;
}

export const NO_ROWS: StoredRows = {
  tickers: [],
  signals: [],
  strategies: [],
  strategy_signals: [],
  strategy_tickers: [],
  ticker_aliases: [],
  webhook_sources: [],
};

/** The rows of a JSON text that Postgres made of them, with the defaults that are left out in it. */
export function storedRowsFrom(text: string): ReadStoredRows {
  const written = JSON.parse(text) as Partial<StoredRows>;
  const exact = parseSafeJson(text) as Partial<StoredRows>;
  const rows = withDefaults(written);
  const inexact = rows.strategies.flatMap(({ id, params }, at) =>
    canonicalJson(params) === canonicalJson(exact.strategies?.[at]?.params) ? [] : [id],
  );
  return { rows, inexact: new Set(inexact), ...(written.tickers === undefined ? { isForeign: true } : {}) };
}

/** What has its default is left out, so that rows of before there were such columns and tables are the same text. */
function withDefaults(written: Partial<StoredRows>): StoredRows {
  const { tickers = [], signals = [], strategies = [], ...others } = written;
  return {
    ...NO_ROWS,
    ...others,
    tickers: tickers.map((row) => ({ ...row, exchanges: row.exchanges ?? null })),
    signals: signals.map((row) => ({
      ...row,
      exit_phrase: row.exit_phrase ?? null,
      long_exit_phrase: row.long_exit_phrase ?? null,
      short_exit_phrase: row.short_exit_phrase ?? null,
    })),
    strategies: strategies.map((row) => ({
      ...row,
      exits: row.exits ?? false,
      exit_age_ms_max: row.exit_age_ms_max ?? null,
    })),
  };
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
