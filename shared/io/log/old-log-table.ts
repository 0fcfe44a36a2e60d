import type { Database } from "../postgres/database.ts";
import { quoted } from "../postgres/table-names.ts";

/** The log of the router before: finds its table, and what a statement has to select from it. */

/** It cannot be compared; the message says why and what to do. */
export class OldLogError extends Error {
  override readonly name = "OldLogError";
}

/** Gives the columns of {@link OldRow} with the time `at`, to be read in its order. @throws OldLogError, DatabaseError */
export async function oldLogSelection(query: Database["query"], name: string): Promise<OldLogSelection> {
  const parts = name.split(".");
  if (parts.length > 2 || parts.some((part) => part === ""))
    throw new OldLogError(`expected a table or schema.table instead of ${name}`);
  const table = parts.map(quoted).join(".");
  const columns = await query<Column>(
    `SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute
     WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`,
    [table],
  );
  if (columns.length === 0)
    throw new OldLogError(
      `there is no table ${name} in this database: name the log of the router before, such as public.signals_v4_log`,
    );
  await refuseUnion(query, name, table);
  const types = new Map(columns.map((column) => [column.name, column.type]));
  const lacking = NEEDED.filter((column) => !types.has(column));
  const arrivals = ARRIVALS.filter((column) => types.get(column)?.startsWith("timestamp") === true);
  if (lacking.length > 0 || arrivals.length === 0) {
    const at = arrivals.length === 0 ? [`a timestamp ${ARRIVALS.join(" or ")}`] : [];
    throw new OldLogError(
      `${name} lacks ${[...lacking, ...at].join(", ")}: expected the columns of signals_v4_log`,
    );
  }
  const textOf = (column: string): string =>
    `${types.has(column) ? `t.${quoted(column)}::text` : "NULL::text"} AS ${column}`;
  const barTime = types.get("bar_time")?.startsWith("timestamp")
    ? `${msOf("t.bar_time")} AS bar_time`
    : textOf("bar_time");
  const at = `coalesce(${arrivals.map((column) => msOf(`t.${column}`)).join(", ")})`;
  const order = types.has("id") ? ", t.id" : "";
  return { from: `${table} t`, columns: [...TEXTS.map(textOf), barTime].join(", "), at, order };
}

export interface OldLogSelection {
  readonly from: string;
  readonly columns: string;
  /** Milliseconds since 1970. */
  readonly at: string;
  /** What comes after `at` in the order. */
  readonly order: string;
}

interface Column {
  readonly name: string;
  readonly type: string;
}

const NEEDED = ["symbol", "message", "bar_time", "status"];
const TEXTS = ["id", "symbol", "signal_id", "direction", "message", "raw_message", "status"];
/** When a row arrived: the first of them that it has. */
const ARRIVALS = ["received_at", "logged_at"];

/** Of a time without zone, which is UTC, and of one with a zone. */
export function msOf(column: string): string {
  return `floor(extract(epoch FROM ${column}) * 1000)::float8`;
}

/** After the switch a view of the log's name has this router's rows, too. */
async function refuseUnion(query: Database["query"], name: string, table: string): Promise<void> {
  const [found] = await query<{ old: string }>(
    `SELECT kept.relname AS old FROM pg_class seen JOIN pg_class kept ON kept.relnamespace = seen.relnamespace
     WHERE seen.oid = to_regclass($1) AND seen.relkind = 'v' AND kept.relname = seen.relname || '_old'`,
    [table],
  );
  if (found !== undefined)
    throw new OldLogError(
      `${name} is a view that has this router's own rows as well: name the table with the others, ${found.old}`,
    );
}
