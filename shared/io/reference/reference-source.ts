import * as z from "zod";
import { contentFromJson } from "../../reference/build-reference.ts";
import type { RawReferenceRows, ReferenceContent, ReferenceTable } from "../../reference/reference.ts";
import { REFERENCE_COLUMNS } from "../../reference/row-columns.ts";
import type { Database } from "../postgres/database.ts";

/** Reads the reference data in Postgres, and stores and loads its versions. */

/** Key columns of each table, which give its order. */
const KEY_COLUMNS = {
  tickers: ["symbol"],
  signals: ["id"],
  strategies: ["id"],
  strategy_signals: ["strategy_id", "signal_id"],
  strategy_tickers: ["strategy_id", "symbol"],
} as const satisfies Record<ReferenceTable, readonly string[]>;

/** A version in `reference_snapshots` that cannot be used; the message names it. */
export class ReferenceRowError extends Error {
  override readonly name = "ReferenceRowError";
}

/** Reads all reference data as it was at one moment, whatever stands in its rows. @throws DatabaseError */
export async function loadReferenceRows(db: Database): Promise<RawReferenceRows> {
  return db.readOnly(async (query) => {
    const rowsOf = (table: ReferenceTable): Promise<unknown[]> => query(selectAll(table, db.table(table)));
    return {
      tickers: await rowsOf("tickers"),
      signals: await rowsOf("signals"),
      strategies: await rowsOf("strategies"),
      strategy_signals: await rowsOf("strategy_signals"),
      strategy_tickers: await rowsOf("strategy_tickers"),
    };
  });
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
function selectAll(table: ReferenceTable, name: string): string {
  const columns = Object.keys(REFERENCE_COLUMNS[table]);
  // Symbols in the order of their bytes, so that the version does not depend on the collation.
  const order = KEY_COLUMNS[table].map((key) => (key === "symbol" ? `${key} COLLATE "C"` : key));
  return `SELECT ${columns.join(", ")} FROM ${name} ORDER BY ${order.join(", ")}`;
}
