import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { runner } from "node-pg-migrate";
import type { ClientBase } from "pg";
import { toDatabaseError } from "./database-error.ts";
import { DatabaseError, type Database, type MigrateOptions } from "./database.ts";
import { currentHolders, takeMigrationLock, type MigrationClient } from "./migration-lock.ts";

/** Applies the SQL files in `migrations`, and says which are missing. */

const DIR = fileURLToPath(new URL("migrations", import.meta.url));
/** Not the library's default name, which another service in the same database may use. */
const TABLE = "signal_router_migrations";
/** A table that is in use waits no longer than this for a change of it. */
const WAIT_MS_MAX = 60_000;
const LOCK_NOT_AVAILABLE = "55P03";

/**
 * Applies the missing migrations, all or none, and returns their names. Everything is one transaction, the lock too: nothing is
 * left behind by a process that was killed, nor on a pooler that gives each transaction another session.
 * @throws DatabaseError, also when another process keeps it waiting too long
 */
export async function applyMigrations(
  client: MigrationClient,
  { waitMsMax = WAIT_MS_MAX, onWait = () => undefined }: MigrateOptions = {},
): Promise<readonly string[]> {
  let failure: unknown;
  const inTransaction: MigrationClient = {
    async query(sql, values) {
      // The transaction is the caller's: the library's own would end before its table of migrations is read.
      if (/^\s*(BEGIN|COMMIT|ROLLBACK)\s*;?\s*$/i.test(sql)) return { rows: [] };
      try {
        return await client.query(sql, values);
      } catch (error) {
        // The library wraps some errors in its own, which lacks what Postgres said.
        failure ??= error;
        throw error;
      }
    },
  };
  try {
    await client.query("BEGIN ISOLATION LEVEL READ COMMITTED");
    await takeMigrationLock(inTransaction, { waitMsMax, onWait });
    await client.query(`SET LOCAL lock_timeout = ${waitMsMax}`);
    const applied = await runner({
      // The library calls only `query`.
      dbClient: inTransaction as ClientBase,
      dir: DIR,
      direction: "up",
      migrationsTable: TABLE,
      singleTransaction: true,
      noLock: true,
      log: () => undefined,
    });
    await client.query("COMMIT");
    return applied.map(({ name }) => name);
  } catch (error) {
    const thrown = toDatabaseError(failure ?? error);
    // When the connection is broken, Postgres rolls back by itself.
    await client.query("ROLLBACK").catch(() => undefined);
    throw thrown.sqlstate === LOCK_NOT_AVAILABLE ? await tableInUse(client, waitMsMax) : thrown;
  }
}

async function tableInUse(client: MigrationClient, waitMsMax: number): Promise<DatabaseError> {
  const holders = await currentHolders(client).catch(() => "what uses it could not be found out");
  return new DatabaseError(
    `a table of the router is in use and could not be changed within ${waitMsMax / 1000} s: ${holders}`,
    "unavailable",
    LOCK_NOT_AVAILABLE,
  );
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
