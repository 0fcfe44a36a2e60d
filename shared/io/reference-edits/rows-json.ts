import { REFERENCE_TABLES, ROUTER_TABLES, type ReadTable } from "../../reference/reference.ts";
import type { NameTable } from "../postgres/table-names.ts";

/** Which rows are meant: all, or only those of the router's own tables where the others are another system's. */
export interface RowsScope {
  readonly isForeign: boolean;
}

/**
 * An SQL expression for all rows as one jsonb, made by Postgres, so that no number and no order of keys changes on the way. It has
 * every column of the document, and names of columns that the tables have beside them are not in it. Columns and tables that came
 * later are left out at their default, so that rows of before are the same value.
 */
export function rowsJson(table: NameTable, { isForeign }: RowsScope): string {
  const lists = REFERENCE_TABLES.map(
    (name) => `'${name}', (SELECT COALESCE(${listOf(name)}, '[]') FROM ${table(name)})`,
  );
  const later = ROUTER_TABLES.map((name) => {
    const object = `jsonb_build_object('${name}', ${listOf(name)})`;
    return `COALESCE((SELECT ${object} FROM ${table(name)} HAVING count(*) > 0), '{}')`;
  });
  return `(jsonb_build_object(${isForeign ? "" : lists.join(", ")}) || ${later.join(" || ")})`;
}

/** The same of rows that a change left, whoever maintained the other tables then. */
export function rowsOfScope(rows: string, { isForeign }: RowsScope): string {
  return isForeign ? `(${rows} - ARRAY[${REFERENCE_TABLES.map((name) => `'${name}'`).join(", ")}])` : rows;
}

/** An SQL expression for the hash of such a value: same rows, same hash. */
export function rowsHash(rows: string): string {
  return `left(encode(sha256(convert_to((${rows})::text, 'UTF8')), 'hex'), 32)`;
}

function listOf(name: ReadTable): string {
  const { columns, later = {}, order }: TableColumns = COLUMNS[name];
  const row = `jsonb_build_object(${columns.map((column) => `'${column}', ${column}`).join(", ")})`;
  const cells = Object.entries(later).map(([column, value]) => `'${column}', ${value}`);
  const whole =
    cells.length === 0 ? row : `${row} || jsonb_strip_nulls(jsonb_build_object(${cells.join(", ")}))`;
  return `jsonb_agg(${whole} ORDER BY ${order})`;
}

interface TableColumns {
  readonly columns: readonly string[];
  /** Columns that came later, with an expression that is NULL at their default. */
  readonly later?: Readonly<Record<string, string>>;
  readonly order: string;
}

/** All columns of a table. */
export function columnsOf(name: ReadTable): readonly string[] {
  const { columns, later = {} }: TableColumns = COLUMNS[name];
  return [...columns, ...Object.keys(later)];
}

/** Each table's columns, with its order. */
const COLUMNS = {
  tickers: {
    columns: ["symbol", "status", "trade_permission"],
    later: { exchanges: "exchanges" },
    order: `symbol COLLATE "C"`,
  },
  signals: {
    columns: ["id", "name", "long_phrase", "short_phrase", "source", "enabled"],
    later: {
      exit_phrase: "exit_phrase",
      long_exit_phrase: "long_exit_phrase",
      short_exit_phrase: "short_exit_phrase",
    },
    order: "id",
  },
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
    later: { exits: "NULLIF(exits, false)", exit_age_ms_max: "exit_age_ms_max" },
    order: "id",
  },
  strategy_signals: { columns: ["strategy_id", "signal_id"], order: "strategy_id, signal_id" },
  strategy_tickers: { columns: ["strategy_id", "symbol"], order: `strategy_id, symbol COLLATE "C"` },
  ticker_aliases: { columns: ["alias", "symbol"], order: `alias COLLATE "C"` },
  webhook_sources: {
    columns: ["name", "enabled", "format", "template", "uid"],
    order: `name COLLATE "C"`,
  },
} as const satisfies Record<ReadTable, TableColumns>;
