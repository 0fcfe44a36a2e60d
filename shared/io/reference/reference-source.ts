import * as z from "zod";
import { contentFromJson } from "../../reference/build-reference.ts";
import { referenceRowsSchema, type ReferenceContent, type ReferenceRows } from "../../reference/reference.ts";
import type { Database } from "../postgres/database.ts";

/** Reads the reference data in Postgres, and stores and loads its versions. */

type Table = keyof ReferenceRows;

/** Key columns of each table: for its order, and to name a faulty row. */
const KEY_COLUMNS = {
  tickers: ["symbol"],
  signals: ["id"],
  strategies: ["id"],
  strategy_signals: ["strategy_id", "signal_id"],
  strategy_tickers: ["strategy_id", "symbol"],
} as const satisfies Record<Table, readonly string[]>;

const ISSUES_SHOWN_MAX = 5;

/** A row the router cannot use; the message names table, key and column. */
export class ReferenceRowError extends Error {
  override readonly name = "ReferenceRowError";
}

/** Reads all reference data as it was at one moment. @throws DatabaseError, ReferenceRowError for a row it cannot use */
export async function loadReferenceRows(db: Database): Promise<ReferenceRows> {
  const read = await db.readOnly(async (query) => {
    const rowsOf = (table: Table): Promise<unknown[]> => query(selectAll(table));
    return {
      tickers: await rowsOf("tickers"),
      signals: await rowsOf("signals"),
      strategies: await rowsOf("strategies"),
      strategy_signals: await rowsOf("strategy_signals"),
      strategy_tickers: await rowsOf("strategy_tickers"),
    };
  });
  const parsed = referenceRowsSchema.safeParse(read);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const shown = issues.slice(0, ISSUES_SHOWN_MAX).map((issue) => describeIssue(issue, read));
  const more = issues.length - shown.length;
  throw new ReferenceRowError([...shown, ...(more > 0 ? [`and ${more} more`] : [])].join("; "));
}

/** Stores the content of a version, unless it is stored already. @throws DatabaseError */
export async function saveReferenceVersion(
  db: Database,
  version: string,
  content: unknown,
  createdAt: Date,
): Promise<void> {
  await db.query(
    "INSERT INTO reference_snapshots (version, created_at, content) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
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
    "SELECT content FROM reference_snapshots WHERE version = $1",
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

/** Only the columns of the schema: the tables may have further columns of other services. */
function selectAll(table: Table): string {
  const columns = Object.keys(referenceRowsSchema.shape[table].element.shape);
  // Symbols in the order of their bytes, so that the version does not depend on the collation.
  const order = KEY_COLUMNS[table].map((key) => (key === "symbol" ? `${key} COLLATE "C"` : key));
  return `SELECT ${columns.join(", ")} FROM ${table} ORDER BY ${order.join(", ")}`;
}

function describeIssue(issue: z.core.$ZodIssue, read: Record<Table, readonly unknown[]>): string {
  const [table, index, ...column] = issue.path;
  if (!isTable(table) || typeof index !== "number") return issue.message;
  const row = Object(read[table][index]) as Record<string, unknown>;
  const key = KEY_COLUMNS[table].map((name) => `${name} ${String(row[name])}`).join(", ");
  return `table ${table}, row with ${key}, column ${column.join(".")}: ${issue.message}`;
}

function isTable(name: PropertyKey | undefined): name is Table {
  return typeof name === "string" && Object.hasOwn(KEY_COLUMNS, name);
}
