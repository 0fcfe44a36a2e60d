import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { ClientBase } from "pg";
import {
  isSameOrigin,
  originIn,
  originRecord,
  OWN_REFERENCE,
  type ReferenceOrigin,
} from "../../reference/reference-kind.ts";
import { REFERENCE_TABLES, ROUTER_TABLES } from "../../reference/reference.ts";
import { toDatabaseError } from "./database-error.ts";
import { DatabaseError, type Database, type MigrateOptions, type Migration } from "./database.ts";
import { readHistory, refuseMisplacedTables, refuseTakenNames } from "./migration-history.ts";
import { currentHolders, takeMigrationLock, type MigrationClient } from "./migration-lock.ts";
import { CHANGES_TABLE, HISTORY_TABLE, LOG_TABLES, nameIn, quoted } from "./table-names.ts";

/** Applies the SQL files in `migrations`, and says which are missing. */

const DIRS = {
  log: fileURLToPath(new URL("migrations/log", import.meta.url)),
  /** Only while the reference is the router's own. */
  own: fileURLToPath(new URL("migrations/reference-own", import.meta.url)),
} as const;
/** Tables with the numbers of the migrations that make them, unless another one of these has done so. */
const MADE_BY = [
  { tables: REFERENCE_TABLES, by: ["001"] },
  { tables: LOG_TABLES, by: ["002"] },
  { tables: [CHANGES_TABLE], by: ["005", "009"] },
  { tables: ROUTER_TABLES, by: ["009"] },
] as const;
/** The library keeps its history there unless it is given a schema. */
const DEFAULT_SCHEMA = "public";
/** A table that is in use waits no longer than this for a change of it. */
const WAIT_MS_MAX = 60_000;
const LOCK_NOT_AVAILABLE = "55P03";

/**
 * Applies the missing migrations, all or none, and returns their names. Everything is one transaction, the lock and the
 * search_path too: nothing is left behind by a process that was killed, nor on a pooler that gives each transaction another
 * session. @throws DatabaseError, also when another process keeps it waiting too long; MigrationRefusedError; what `steps` throw
 */
export async function applyMigrations(
  client: MigrationClient,
  {
    schema,
    waitMsMax = WAIT_MS_MAX,
    onWait = () => undefined,
    beside = false,
    rehearse = false,
    steps = keepOrigin,
  }: MigrateOptions & { readonly schema?: string | undefined } = {},
): Promise<readonly string[]> {
  const query = queryOn(client);
  try {
    await query("BEGIN ISOLATION LEVEL READ COMMITTED");
    await takeMigrationLock(client, { schema, waitMsMax, onWait });
    await query(`SET LOCAL lock_timeout = ${waitMsMax}`);
    await enterSchema(query, schema, { beside });
    const history = await readHistory(query, schema ?? DEFAULT_SCHEMA);
    const applied = await steps({
      query,
      run: async (sql) => {
        await query(sql);
      },
      stored: history === undefined ? undefined : originIn(history),
      apply: async (origin) => applyFiles(client, { query, schema, history: history ?? [], origin }),
    });
    await query(rehearse ? "ROLLBACK" : "COMMIT");
    return applied;
  } catch (error) {
    // When the connection is broken, Postgres rolls back by itself.
    await client.query("ROLLBACK").catch(() => undefined);
    const isWaiting = error instanceof DatabaseError && error.sqlstate === LOCK_NOT_AVAILABLE;
    throw isWaiting ? await tableInUse(client, { schema, waitMsMax }) : error;
  }
}

/** Without a request the reference stays whose it is. */
async function keepOrigin({ stored = OWN_REFERENCE, apply }: Migration): Promise<readonly string[]> {
  return apply(stored);
}

/** Makes the schema unless it is there, which its owner may be unable to do, and finds and makes tables nowhere else. */
async function enterSchema(
  query: Database["query"],
  schema: string | undefined,
  { beside }: { readonly beside: boolean },
): Promise<void> {
  if (schema === undefined) return;
  if (!beside) await refuseMisplacedTables(query, schema);
  const found = await query("SELECT 1 FROM pg_namespace WHERE nspname = $1", [schema]);
  if (found.length === 0) await query(`CREATE SCHEMA ${quoted(schema)}`);
  // Temporary tables of the session would come first if they were not named last.
  await query(`SET LOCAL search_path TO ${quoted(schema)}, pg_temp`);
}

async function applyFiles(
  client: MigrationClient,
  {
    query,
    schema,
    history,
    origin,
  }: {
    readonly query: Database["query"];
    readonly schema: string | undefined;
    readonly history: readonly string[];
    readonly origin: ReferenceOrigin;
  },
): Promise<readonly string[]> {
  const missing = await missingFor(origin, history);
  for (const { tables, by } of MADE_BY) {
    const isMaker = (name: string): boolean => by.some((number) => name.startsWith(`${number}_`));
    if (missing.some(isMaker) && !history.some(isMaker)) await refuseTakenNames(query, tables);
  }
  const applied = await runFiles(client, { schema, origin });
  const stored = originIn(history.filter((name) => name.startsWith("reference ")));
  if (stored === undefined || !isSameOrigin(stored, origin)) {
    const table = nameIn(schema ?? DEFAULT_SCHEMA, HISTORY_TABLE);
    await query(`INSERT INTO ${table} (name, run_on) VALUES ($1, now())`, [originRecord(origin)]);
  }
  return applied;
}

async function runFiles(
  client: MigrationClient,
  { schema, origin }: { readonly schema: string | undefined; readonly origin: ReferenceOrigin },
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
  // Loading it takes a fifth of the processor time in which a router or a command starts, and few starts need it.
  const { runner } = await import("node-pg-migrate");
  try {
    const applied = await runner({
      // The library calls only `query`.
      dbClient: inTransaction as ClientBase,
      dir: dirsOf(origin).map((dir) => `${literally(dir)}/*.sql`),
      useGlob: true,
      direction: "up",
      migrationsTable: HISTORY_TABLE,
      ...(schema === undefined ? {} : { migrationsSchema: schema }),
      // A reference that becomes the router's own later applies its first migration after the log's.
      checkOrder: false,
      singleTransaction: true,
      noLock: true,
      log: () => undefined,
    });
    return applied.map(({ name }) => name);
  } catch (error) {
    throw failure === undefined ? error : toDatabaseError(failure);
  }
}

function dirsOf({ kind }: ReferenceOrigin): readonly string[] {
  return kind === "own" ? [DIRS.own, DIRS.log] : [DIRS.log];
}

/** A path as a pattern that matches nothing else. */
function literally(path: string): string {
  return path.replaceAll(/[?*()[\]{}!+@]/g, String.raw`\$&`);
}

function queryOn(client: MigrationClient): Database["query"] {
  return async <Row>(sql: string, params?: readonly unknown[]) => {
    try {
      const { rows } = await client.query(sql, params === undefined ? undefined : [...params]);
      return rows as Row[];
    } catch (error) {
      throw toDatabaseError(error);
    }
  };
}

async function tableInUse(
  client: MigrationClient,
  { schema, waitMsMax }: { readonly schema: string | undefined; readonly waitMsMax: number },
): Promise<DatabaseError> {
  const holders = await currentHolders(client, schema).catch(() => "what uses it could not be found out");
  return new DatabaseError(
    `a table of the router is in use and could not be changed within ${waitMsMax / 1000} s: ${holders}`,
    "unavailable",
    LOCK_NOT_AVAILABLE,
  );
}

/**
 * Names of the migrations that were not applied yet; empty when the schema is ready.
 * @throws DatabaseError, MigrationRefusedError when the tables are in another schema
 */
export async function pendingMigrations(db: Database): Promise<readonly string[]> {
  await refuseMisplacedTables(db.query, db.schema);
  const history = (await readHistory(db.query, db.schema)) ?? [];
  return missingFor(originIn(history) ?? OWN_REFERENCE, history);
}

async function missingFor(origin: ReferenceOrigin, history: readonly string[]): Promise<readonly string[]> {
  const files = (await Promise.all(dirsOf(origin).map(async (dir) => readdir(dir)))).flat();
  const names = files.filter((file) => file.endsWith(".sql")).map((file) => file.slice(0, -".sql".length));
  return names.filter((name) => !history.includes(name)).toSorted();
}
