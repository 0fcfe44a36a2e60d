import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { runner } from "node-pg-migrate";
import type { ClientBase } from "pg";
import { toDatabaseError } from "./database-error.ts";
import type { Database } from "./database.ts";

/** Applies the SQL files in `migrations`, and says which are missing. */

const DIR = fileURLToPath(new URL("migrations", import.meta.url));
/** Not the library's default name, which another service in the same database may use. */
const TABLE = "signal_router_migrations";

/** The part of a client that node-pg-migrate needs. Without values, `sql` may hold several statements. */
export interface MigrationClient {
  query(sql: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/**
 * Applies the missing migrations, all or none, and returns their names. Waits while another process does the same.
 * @throws DatabaseError
 */
export async function applyMigrations(client: MigrationClient): Promise<readonly string[]> {
  try {
    const applied = await runner({
      // The library calls only `query`.
      dbClient: client as ClientBase,
      dir: DIR,
      direction: "up",
      migrationsTable: TABLE,
      singleTransaction: true,
      advisoryLockMode: "wait",
      log: () => undefined,
    });
    return applied.map(({ name }) => name);
  } catch (error) {
    throw toDatabaseError(error);
  }
}

/** Names of the migrations that were not applied yet; empty when the schema is ready. @throws DatabaseError */
export async function pendingMigrations(db: Database): Promise<readonly string[]> {
  const files = await readdir(DIR);
  const names = files.filter((file) => file.endsWith(".sql")).map((file) => file.slice(0, -".sql".length));
  const [table] = await db.query<{ found: boolean }>("SELECT to_regclass($1) IS NOT NULL AS found", [TABLE]);
  if (table?.found !== true) return names.toSorted();
  const applied = await db.query<{ name: string }>(`SELECT name FROM ${TABLE}`);
  const done = new Set(applied.map(({ name }) => name));
  return names.filter((name) => !done.has(name)).toSorted();
}
