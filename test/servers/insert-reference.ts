import { Client } from "pg";
import type { ReferenceRows } from "../../shared/reference.ts";

/** Runs plain SQL, as the owner of the reference would. */
export async function sql(
  url: string,
  statement: string,
  params: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const result = await client.query<Record<string, unknown>>(statement, params);
    return result.rows;
  } finally {
    await client.end();
  }
}

/** Inserts reference rows with plain SQL into a migrated database. */
export async function insertReference(url: string, rows: ReferenceRows): Promise<void> {
  for (const table of ["tickers", "signals", "strategies", "strategy_signals", "strategy_tickers"] as const) {
    const all: readonly Record<string, unknown>[] = rows[table];
    const [first] = all;
    if (first === undefined) continue;
    const columns = Object.keys(first).join(", ");
    await sql(
      url,
      `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM jsonb_populate_recordset(NULL::${table}, $1)`,
      [JSON.stringify(all)],
    );
  }
}
