import { REFERENCE_TABLES } from "../../reference/reference.ts";

/** The router's own tables, and how statements name them. */

export const LOG_TABLES = [
  "signal_log",
  "signal_log_entries",
  "invocations",
  "system_log",
  "reference_snapshots",
] as const;

const TABLES = [...REFERENCE_TABLES, ...LOG_TABLES] as const;
export type TableName = (typeof TABLES)[number];

/** The table as a statement names it: with the schema when one is set, else as the connection finds it. */
export type NameTable = (table: TableName) => string;

/** Names tables in this schema; undefined: in the connection's. */
export function tablesIn(schema: string | undefined): NameTable {
  return schema === undefined ? (table) => table : (table) => `${quoted(schema)}.${table}`;
}

/** A name as an SQL identifier. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
