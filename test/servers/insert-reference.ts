import { Client } from "pg";
import type { ReferenceRows } from "../../shared/reference/reference.ts";

type Rows = Record<string, unknown>[];
type Run = (statement: string, params?: unknown[]) => Promise<Rows>;

/** Runs plain SQL, as the owner of the reference would. */
export async function sql(url: string, statement: string, params: unknown[] = []): Promise<Rows> {
  return connected(url, async (run) => run(statement, params));
}

/** Inserts reference rows with plain SQL into a migrated database, all at once: no refresh finds half of them. */
export async function insertReference(url: string, rows: ReferenceRows): Promise<void> {
  await connected(url, async (run) => {
    await run("BEGIN");
    for (const table of TABLES) await insertInto(table, rows[table], run);
    await run("COMMIT");
  });
}

const TABLES = ["tickers", "signals", "strategies", "strategy_signals", "strategy_tickers"] as const;

async function insertInto(
  table: (typeof TABLES)[number],
  rows: readonly Record<string, unknown>[],
  run: Run,
): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const columns = Object.keys(first).join(", ");
  await run(
    `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM jsonb_populate_recordset(NULL::${table}, $1)`,
    [JSON.stringify(rows)],
  );
}

async function connected<Result>(url: string, use: (run: Run) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await use(async (statement, params) => (await client.query<Rows[number]>(statement, params)).rows);
  } finally {
    await client.end();
  }
}
