import { randomBytes } from "node:crypto";
import { Client } from "pg";

/** A new, empty database on a Postgres server. */
export interface FreshDatabase {
  readonly url: string;
  /** Deletes it and closes the connections that are still open. */
  drop(): Promise<void>;
}

/** Creates a database without tables; `migrate` of shared/io makes them. */
export async function createDatabase(serverUrl: string): Promise<FreshDatabase> {
  const name = `t${randomBytes(6).toString("hex")}`;
  await runOnce(serverUrl, `CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: async () => runOnce(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

async function runOnce(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
