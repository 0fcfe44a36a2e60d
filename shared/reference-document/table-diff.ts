import { canonicalJson } from "../reference/reference-text.ts";
import type { StoredRows } from "./stored-rows.ts";

/** What has to be written so that one state of the tables becomes another. */
export type RowsDiff = { readonly [Table in keyof StoredRows]: TableDiff<StoredRows[Table][number]> };

export interface TableDiff<Row> {
  readonly inserted: readonly Row[];
  readonly updated: readonly { readonly before: Row; readonly after: Row }[];
  readonly deleted: readonly Row[];
}

export function diffRows(before: StoredRows, after: StoredRows): RowsDiff {
  return {
    ...diffNamedRows(before, after),
    strategy_signals: diffLinks(
      before.strategy_signals,
      after.strategy_signals,
      (row) => `${row.strategy_id} ${row.signal_id}`,
    ),
    strategy_tickers: diffLinks(
      before.strategy_tickers,
      after.strategy_tickers,
      (row) => `${row.strategy_id} ${row.symbol}`,
    ),
  };
}

/** The same of the tables whose rows have names. */
export function diffNamedRows(before: StoredRows, after: StoredRows): NamedDiff {
  return {
    tickers: diff(before.tickers, after.tickers, ({ symbol }) => symbol),
    signals: diff(before.signals, after.signals, ({ id }) => id),
    strategies: diff(before.strategies, after.strategies, ({ id }) => id),
    ticker_aliases: diff(before.ticker_aliases, after.ticker_aliases, ({ alias }) => alias),
    webhook_sources: diff(before.webhook_sources, after.webhook_sources, ({ name }) => name),
  };
}

export type NamedDiff = Omit<RowsDiff, "strategy_signals" | "strategy_tickers">;

export function isEmptyDiff(found: RowsDiff): boolean {
  return Object.values(found).every(
    ({ inserted, updated, deleted }: TableDiff<unknown>) =>
      inserted.length + updated.length + deleted.length === 0,
  );
}

function diff<Row>(
  before: readonly Row[],
  after: readonly Row[],
  keyOf: (row: Row) => number | string,
): TableDiff<Row> {
  const [was, is] = [byKey(before, keyOf), byKey(after, keyOf)];
  return {
    inserted: after.filter((row) => !was.has(keyOf(row))),
    updated: after.flatMap((row) => {
      const old = was.get(keyOf(row));
      return old === undefined || canonicalJson(old) === canonicalJson(row)
        ? []
        : [{ before: old, after: row }];
    }),
    deleted: before.filter((row) => !is.has(keyOf(row))),
  };
}

/** Of rows that are nothing but their key, of which there are many. */
function diffLinks<Row>(
  before: readonly Row[],
  after: readonly Row[],
  keyOf: (row: Row) => string,
): TableDiff<Row> {
  const [was, is] = [new Set(before.map(keyOf)), new Set(after.map(keyOf))];
  return {
    inserted: after.filter((row) => !was.has(keyOf(row))),
    updated: [],
    deleted: before.filter((row) => !is.has(keyOf(row))),
  };
}

function byKey<Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => number | string,
): ReadonlyMap<number | string, Row> {
  return new Map(rows.map((row) => [keyOf(row), row]));
}
