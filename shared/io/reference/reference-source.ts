import * as z from "zod";
import { contentFromJson } from "../../reference/build-reference.ts";
import {
  ROUTER_TABLES,
  type RawReferenceRows,
  type ReadTable,
  type ReferenceContent,
} from "../../reference/reference.ts";
import { DatabaseError, type Database } from "../postgres/database.ts";
import type { NameTable } from "../postgres/table-names.ts";
import { lookUpRelations, refuseOtherTypes, type Relation } from "./reference-relations.ts";

/** Reads the reference data in Postgres, and stores and loads its versions. */

/** Key columns of each table, which give its order. */
export const KEY_COLUMNS = {
  tickers: ["symbol"],
  signals: ["id"],
  strategies: ["id"],
  strategy_signals: ["strategy_id", "signal_id"],
  strategy_tickers: ["strategy_id", "symbol"],
  ticker_aliases: ["alias"],
  webhook_sources: ["name"],
} as const satisfies Record<ReadTable, readonly string[]>;

/** A version in `reference_snapshots` that cannot be used; the message names it. */
export class ReferenceRowError extends Error {
  override readonly name = "ReferenceRowError";
}

/** Less than a statement may take: Postgres itself then ends it, and says so. */
const TABLE_MS_MAX = 25_000;

/**
 * Reads all reference data as it was at one moment, whatever stands in its rows.
 * @throws DatabaseError naming the table, and the column where one is missing, of another type, or may not be read
 */
export async function loadReferenceRows(
  db: Database,
  { msMax = TABLE_MS_MAX }: { readonly msMax?: number } = {},
): Promise<RawReferenceRows> {
  return db.readOnly(async (query) => {
    const [limit] = await query<{ ms: number }>(LIMIT_STATEMENTS, [msMax]);
    return readReferenceRows(query, db.table, { msMax: limit?.ms });
  });
}

/** Until the end of the transaction; a lower limit of the user or the database stays. */
const LIMIT_STATEMENTS = `
  SELECT ms, set_config('statement_timeout', ms::text, true)
  FROM (
    SELECT CASE WHEN setting::int = 0 THEN $1::int ELSE least(setting::int, $1::int) END AS ms
    FROM pg_settings WHERE name = 'statement_timeout'
  ) AS lower`;

export interface ReadRowsOptions {
  /** The limit of a statement, in ms, if there is one. */
  readonly msMax?: number | undefined;
  /** The migration that makes the router's own two tables may be missing: then they have no rows. */
  readonly beforeMigration?: boolean;
}

/** The same in a transaction of the caller. */
export async function readReferenceRows(
  query: Database["query"],
  table: NameTable,
  { msMax, beforeMigration = false }: ReadRowsOptions = {},
): Promise<RawReferenceRows> {
  const relations = await lookUpRelations(query, table);
  const rowsOf = async (name: ReadTable): Promise<unknown[]> => {
    const relation = relations.get(name);
    if (relation === undefined && beforeMigration && ROUTER_TABLES.some((one) => one === name)) return [];
    const rows = await query<Readonly<Record<string, unknown>>>(selectAll(name, table(name), relation)).catch(
      (error: unknown) => {
        throw tableError(name, error, msMax);
      },
    );
    if (relation !== undefined) refuseOtherTypes(name, relation, rows);
    return rows;
  };
  return {
    tickers: await rowsOf("tickers"),
    signals: await rowsOf("signals"),
    strategies: await rowsOf("strategies"),
    strategy_signals: await rowsOf("strategy_signals"),
    strategy_tickers: await rowsOf("strategy_tickers"),
    ticker_aliases: await rowsOf("ticker_aliases"),
    webhook_sources: await rowsOf("webhook_sources"),
  };
}

const CANCELED = "57014";

/** Postgres' own words name relations below a view, if any: the table of the router stands before them. */
function tableError(table: ReadTable, error: unknown, msMax: number | undefined): unknown {
  if (!(error instanceof DatabaseError)) return error;
  const { kind, sqlstate, message } = error;
  const isSlow = sqlstate === CANCELED && msMax !== undefined;
  const what = isSlow
    ? `could not be read within ${msMax / 1000} s: if it is a view, make it faster (${message})`
    : `cannot be read: ${message}`;
  return new DatabaseError(`table ${table} ${what}`, kind, sqlstate);
}

/** Stores the content of a version, unless it is stored already. @throws DatabaseError */
export async function saveReferenceVersion(
  db: Database,
  version: string,
  content: unknown,
  createdAt: Date,
): Promise<void> {
  await db.query(
    `INSERT INTO ${db.table("reference_snapshots")} (version, created_at, content)
     VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
    [version, createdAt.toISOString(), JSON.stringify(content)],
  );
}

/**
 * The stored content of a version; undefined when there is no such version. @throws DatabaseError, or ReferenceRowError for a
 * content that this program would not have written
 */
export async function loadReferenceVersion(
  db: Database,
  version: string,
): Promise<ReferenceContent | undefined> {
  const [row] = await db.query<{ content: unknown }>(
    `SELECT content FROM ${db.table("reference_snapshots")} WHERE version = $1`,
    [version],
  );
  if (row === undefined) return undefined;
  try {
    return contentFromJson(row.content);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const where = error.issues[0]?.path.join(".") ?? "";
    throw new ReferenceRowError(
      `table reference_snapshots, row with version ${version}, column content: ${where} does not have the expected form`,
      { cause: error },
    );
  }
}

/** Only the columns that are used: the tables may have further columns of other services. */
function selectAll(table: ReadTable, name: string, relation: Relation | undefined): string {
  // Of a relation that is not there, reading it says so.
  const columns = relation === undefined ? "*" : relation.columns.join(", ");
  // Texts in the order of their bytes, so that the version does not depend on the collation.
  const order = KEY_COLUMNS[table].map((key) => (key.endsWith("id") ? key : `${key}::text COLLATE "C"`));
  return `SELECT ${columns} FROM ${name} ORDER BY ${order.join(", ")}`;
}
