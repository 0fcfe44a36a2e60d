import { REFERENCE_TABLES, ROUTER_TABLES, type ReferenceTable } from "../../reference/reference.ts";

/** The router's own tables, and how statements name them. */

export const LOG_TABLES = [
  "signal_log",
  "signal_log_entries",
  "invocations",
  "system_log",
  "reference_snapshots",
] as const;

/** The history of the router's own reference; it stays where it is while the reference is another system's. */
export const CHANGES_TABLE = "reference_changes";

export const TABLES = [...REFERENCE_TABLES, ...ROUTER_TABLES, CHANGES_TABLE, ...LOG_TABLES] as const;
export type TableName = (typeof TABLES)[number];

/** Which migrations were applied, and whose reference it is. Not the library's default name, which others may use. */
export const HISTORY_TABLE = "signal_router_migrations";

/** The table as a statement names it: with the schema when one is set, else as the connection finds it. */
export type NameTable = (table: TableName) => string;

/** Names tables in this schema; undefined: in the connection's. */
export function tablesIn(schema: string | undefined): NameTable {
  return (table) => nameIn(schema, table);
}

/** A relation of the router as a statement names it. */
export function nameIn(schema: string | undefined, relation: string): string {
  return schema === undefined ? relation : `${quoted(schema)}.${relation}`;
}

/** Where a table of the router's own stands while the reference is another system's. */
export function nameAside(table: ReferenceTable): string {
  return `own_${table}`;
}

/** A name as an SQL identifier. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
