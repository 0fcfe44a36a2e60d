import { Client } from "pg";
import { READ_TABLES, type ReferenceRows } from "../../shared/reference/reference.ts";

/** Inserts reference rows into a migrated database, in one transaction: a refresh finds all of them or none. */
export async function insertReference(url: string, rows: ReferenceRows): Promise<void> {
  await connected(url, async (client) => {
    await client.query("BEGIN");
    await insertRows(client, rows);
    await client.query("COMMIT");
  });
}

/** Inserts reference rows by an open connection. */
export async function insertRows(client: Client, reference: ReferenceRows): Promise<void> {
  for (const table of READ_TABLES) {
    const [first]: readonly object[] = reference[table];
    if (first === undefined) continue;
    const columns = Object.keys(first).join(", ");
    await client.query(
      `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM jsonb_populate_recordset(NULL::${table}, $1)`,
      [JSON.stringify(reference[table])],
    );
  }
}

/** Runs plain SQL, as an operator does. */
export async function sql(
  url: string,
  statement: string,
  params: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  return connected(url, async (client) => (await client.query(statement, params)).rows);
}

async function connected<Result>(url: string, use: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
