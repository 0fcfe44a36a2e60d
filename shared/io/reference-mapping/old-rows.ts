import type { Database } from "../postgres/database.ts";
import { quoted } from "../postgres/table-names.ts";
import type { OldSystem, OldSystemForm } from "./old-systems.ts";
import type { OldTables } from "./old-tables.ts";

/** A row of the old system; a column that its table does not have is undefined. */
export type OldRow = Readonly<Record<string, unknown>>;

export type OldRows = { readonly [Table in keyof OldSystemForm]-?: readonly OldRow[] };

/** The rows of the old tables as they stand there, in the columns that the mapping knows. @throws DatabaseError */
export async function readOldRows(
  query: Database["query"],
  { source }: OldSystem,
  tables: OldTables,
): Promise<OldRows> {
  const rows: Record<keyof OldSystemForm, readonly OldRow[]> = {
    tickers: [],
    signals: [],
    strategies: [],
    strategy_signals: [],
    strategy_tickers: [],
  };
  for (const [table, { name, columns }] of Object.entries(tables) as [
    keyof OldTables,
    OldTables["tickers"],
  ][])
    rows[table] = await query(
      `SELECT ${columns.map(quoted).join(", ")} FROM ${quoted(source)}.${quoted(name)} ORDER BY 1`,
    );
  return rows;
}
