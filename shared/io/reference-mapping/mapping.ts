import { REFERENCE_TABLES, type RawReferenceRows } from "../../reference/reference.ts";
import type { Database } from "../postgres/database.ts";
import { mappedViews } from "./mapped-views.ts";
import { mappingLines } from "./mapping-lines.ts";
import { readOldRows } from "./old-rows.ts";
import type { OldSystem } from "./old-systems.ts";
import { readOldTables } from "./old-tables.ts";

export { MAPPED_SYSTEMS, type MappedSystem } from "./old-systems.ts";

/**
 * This room lets the router read the reference of the systems it takes the place of: five views over their tables, a check of
 * what they will give, and the log that the old web UI reads.
 */

type Query = Database["query"];

/** What a person should know before the views are made. */
export interface MappingReport {
  readonly lines: readonly string[];
  /** Why the views cannot be made, each with what to do; then there are no lines. */
  readonly faults: readonly string[];
}

/** Checks the old system's tables and what the views over them would give; changes nothing. @throws DatabaseError */
export async function readMappingReport(query: Query, of: OldSystem): Promise<MappingReport> {
  const found = await readOldTables(query, of);
  if (!found.ok) return { lines: [], faults: found.faults };
  const { tables } = found;
  const views = await mappedViews(of, tables.tickers.name);
  const raw: RawReferenceRows = {
    tickers: await query(views.tickers),
    signals: await query(views.signals),
    strategies: await query(views.strategies),
    strategy_signals: await query(views.strategy_signals),
    strategy_tickers: await query(views.strategy_tickers),
  };
  const old = await readOldRows(query, of, tables);
  return { lines: mappingLines({ of, tables, old, raw }), faults: [] };
}

/**
 * SQL that creates the five views over the old system's tables. The views' names are unqualified: the caller sets search_path in
 * the transaction. @throws DatabaseError, or Error with what to do when the tables are not as the views need them
 */
export async function viewsStatement(query: Query, of: OldSystem): Promise<string> {
  const found = await readOldTables(query, of);
  if (!found.ok) throw new Error(found.faults.join("\n"));
  const views = await mappedViews(of, found.tables.tickers.name);
  return REFERENCE_TABLES.map((table) => `CREATE VIEW ${table} AS\n${views[table]};`).join("\n\n");
}
