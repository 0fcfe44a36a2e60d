import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";

/** A new, empty database on a Postgres server. */
export interface FreshDatabase {
  readonly url: string;
  /** Deletes it and closes the connections that are still open. */
  drop(): Promise<void>;
}

/** Creates a copy of `template`; by default without tables, which `migrate` of shared/io makes. */
export async function createDatabase(
  serverUrl: string,
  { template = "template1" } = {},
): Promise<FreshDatabase> {
  const name = `t${randomBytes(6).toString("hex")}`;
  await runOnce(serverUrl, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  return {
    url: databaseUrl(serverUrl, name),
    drop: async () => runOnce(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

/** Creates a database with all tables to copy from, which nothing may be connected to while it is copied. */
export async function createTemplate(serverUrl: string, name: string): Promise<void> {
  await runOnce(serverUrl, `CREATE DATABASE ${name}`);
  const url = databaseUrl(serverUrl, name);
  const database = await openDatabase({ url, dataDir: "", onError: () => undefined });
  await database.migrate();
  await database.close();
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
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
