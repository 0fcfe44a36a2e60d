import { canonicalJson } from "./reference-text.ts";
import type { RawReferenceRows, ReadTable, ReferenceRows, StrategyRow } from "./reference.ts";
import { REFERENCE_COLUMNS, type Column, type Columns, type RowOf } from "./row-columns.ts";
import { keyText, namedId, rowFault, sortedFaults, valueText, type RowFault } from "./row-faults.ts";

/**
 * Reads rows as Postgres gives them. A row that cannot be read changes nothing but itself: another value stands in for what
 * cannot be read, or the row is left out.
 */
export function readRows(raw: RawReferenceRows): ReadRows {
  const faults: RowFault[] = [];
  const names = { strategies: namesIn(raw.strategies), signals: namesIn(raw.signals) };

  function rowsOf<Table extends ReadTable>(table: Table): ReadRow<RowOf<Table>>[] {
    return (raw[table] ?? []).flatMap((row) => {
      const cells = Object(row) as Cells;
      const read = readRow<RowOf<Table>>(REFERENCE_COLUMNS[table], cells);
      for (const { column, value } of read.faults)
        faults.push(rowFault({ table, row: rowText(table, cells, names), column, value }));
      return read.row === undefined ? [] : [{ row: read.row, faults: read.faults }];
    });
  }

  /** The rows without those that say different things under one key, as a view may have them. */
  function agreeing<Table extends keyof typeof UNIQUE>(table: Table): ReadRow<RowOf<Table>>[] {
    const column = UNIQUE[table];
    const groups = new Map<unknown, ReadRow<RowOf<Table>>[]>();
    for (const read of rowsOf(table)) {
      const key = (read.row as Cells)[column];
      groups.set(key, [...(groups.get(key) ?? []), read]);
    }
    return [...groups.values()].flatMap((group) => {
      const [first] = group;
      if (first === undefined || group.length === 1) return group;
      if (new Set(group.map(canonicalJson)).size === 1) return [first];
      const row = rowText(table, first.row, names);
      faults.push(rowFault({ table, row, column, value: `${group.length} rows that differ` }));
      return [];
    });
  }

  const rows: ReferenceRows = {
    tickers: agreeing("tickers").map(({ row }) => row),
    signals: rowsOf("signals").map(({ row }) => row),
    strategies: agreeing("strategies").map(runnable),
    strategy_signals: rowsOf("strategy_signals").map(({ row }) => row),
    strategy_tickers: rowsOf("strategy_tickers").map(({ row }) => row),
    ticker_aliases: rowsOf("ticker_aliases").map(({ row }) => row),
    webhook_sources: rowsOf("webhook_sources").map(({ row }) => row),
  };
  return { rows, faults: sortedFaults(faults) };
}

/** Tables of which one row counts for a key. Of signals all count, and a pair that is there twice means nothing else. */
const UNIQUE = { tickers: "symbol", strategies: "id" } as const;

export interface ReadRows {
  readonly rows: ReferenceRows;
  readonly faults: readonly RowFault[];
}

interface ReadRow<Row> {
  readonly row: Row;
  readonly faults: readonly CellFault[];
}

interface CellFault {
  readonly column: string;
  readonly value: string;
}

type Cells = Readonly<Record<string, unknown>>;
type Names = ReadonlyMap<string, unknown>;

/** The row, undefined when it has to be left out, and what is wrong with its cells. */
function readRow<Row>(
  columns: Columns<Row>,
  cells: Cells,
): { readonly row: Row | undefined; readonly faults: readonly CellFault[] } {
  const row: Record<string, unknown> = {};
  const faults: CellFault[] = [];
  /** What leaves the row out: then nothing else in it matters. */
  const decisive: CellFault[] = [];
  for (const [column, { read, fault: faultOf, instead, absent }] of Object.entries<Column<unknown>>(
    columns,
  )) {
    const cell = Object.hasOwn(cells, column) ? cells[column] : absent;
    const value = read(cell);
    if (value === undefined) {
      const text = faultOf?.(cell) ?? valueText(cell, { secret: column === "params" });
      const fault = { column, value: text };
      (instead === undefined ? decisive : faults).push(fault);
    }
    row[column] = value ?? (value === null ? null : instead?.(Number(row["id"])));
  }
  return decisive.length > 0 ? { row: undefined, faults: decisive } : { row: row as Row, faults };
}

/**
 * A strategy whose row has faults keeps no handler: a router of the version before, which does not know of faults, would run
 * it with the values that stand in.
 */
function runnable({ row, faults }: ReadRow<RowOf<"strategies">>): StrategyRow {
  return faults.length === 0 ? row : { ...row, handler: "", faults: [...faults] };
}

/** The row's key with names, for people. */
function rowText(
  table: ReadTable,
  cells: Cells,
  { strategies, signals }: { readonly strategies: Names; readonly signals: Names },
): string {
  const of = (names: Names, id: unknown): string => namedId(names.get(keyText(id)), keyText(id));
  const symbol = keyText(cells["symbol"]);
  switch (table) {
    case "tickers":
      return symbol;
    case "signals":
    case "strategies":
      return namedId(cells["name"], keyText(cells["id"]));
    case "strategy_signals":
      return `strategy ${of(strategies, cells["strategy_id"])} and signal ${of(signals, cells["signal_id"])}`;
    case "strategy_tickers":
      return `strategy ${of(strategies, cells["strategy_id"])} and symbol ${symbol}`;
    case "ticker_aliases":
      return keyText(cells["alias"]);
    case "webhook_sources":
      return keyText(cells["name"]);
  }
}

function namesIn(rows: readonly unknown[]): Names {
  return new Map(
    rows.map((row) => {
      const { id, name } = Object(row) as Cells;
      return [keyText(id), name];
    }),
  );
}
