import type { NameTable } from "../postgres/table-names.ts";

/**
 * An SQL expression for all rows of the five tables as one jsonb, made by Postgres, so that no number and no order of keys
 * changes on the way. It has every column of the document, and names of columns that the tables have beside them are not in it.
 */
export function rowsJson(table: NameTable): string {
  const parts = Object.entries(COLUMNS).map(([name, { columns, order }]) => {
    const cells = columns.map((column) => `'${column}', ${column}`).join(", ");
    const rows = `jsonb_agg(jsonb_build_object(${cells}) ORDER BY ${order})`;
    return `'${name}', (SELECT COALESCE(${rows}, '[]') FROM ${table(name as keyof typeof COLUMNS)})`;
  });
  return `jsonb_build_object(${parts.join(", ")})`;
}

/** An SQL expression for the hash of such a value: same rows, same hash. */
export function rowsHash(rows: string): string {
  return `left(encode(sha256(convert_to((${rows})::text, 'UTF8')), 'hex'), 32)`;
}

/** Each table's columns, with its order. */
export const COLUMNS = {
  tickers: { columns: ["symbol", "status", "trade_permission"], order: `symbol COLLATE "C"` },
  signals: { columns: ["id", "name", "long_phrase", "short_phrase", "source", "enabled"], order: "id" },
  strategies: {
    columns: [
      "id",
      "name",
      "enabled",
      "archived",
      "allow_open",
      "reverse",
      "use_all_tickers",
      "handler",
      "params",
      "signal_age_ms_max",
      "shadow",
    ],
    order: "id",
  },
  strategy_signals: { columns: ["strategy_id", "signal_id"], order: "strategy_id, signal_id" },
  strategy_tickers: { columns: ["strategy_id", "symbol"], order: `strategy_id, symbol COLLATE "C"` },
} as const;
