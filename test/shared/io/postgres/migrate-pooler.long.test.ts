import { afterAll, beforeAll, expect, test } from "vitest";
import type { Database } from "../../../../shared/io/postgres/database.ts";
import { openDatabase } from "../../../../shared/io/postgres/open-database.ts";
import { loadReferenceRows, saveReferenceVersion } from "../../../../shared/io/reference/reference-source.ts";
import { byPace } from "../../../long/pace.ts";
import type { FreshDatabase } from "../../../servers/database.ts";
import { freshDatabase } from "../../../servers/fixtures.ts";
import { sql } from "../../../servers/insert-reference.ts";
import { startPgBouncer, type PgBouncer } from "../../../servers/pgbouncer.ts";

/** Migrations through a PgBouncer in transaction mode. */

const STARTS = byPace({ short: 3, full: 6 });

let fresh: FreshDatabase;
let pooler: PgBouncer;
beforeAll(async () => {
  fresh = await freshDatabase();
  pooler = await startPgBouncer(fresh.url, { sessionsMax: 4 });
}, 120_000);
afterAll(async () => {
  await pooler.stop();
  await fresh.drop();
});

const open = async (schema?: string): Promise<Database> =>
  openDatabase({ url: pooler.url, schema, dataDir: "", onError: () => undefined });

const locks = async () =>
  sql(
    fresh.url,
    `SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = pg_locks.database
     WHERE locktype = 'advisory' AND d.datname = current_database()`,
  );

test.each(["Own Schema", undefined])(
  "with schema %s: migrations that start at once are applied once, leave no lock behind, and can be repeated",
  async (schema) => {
    const databases = await Promise.all(Array.from({ length: STARTS }, async () => open(schema)));
    const applied = await Promise.all(databases.map(async (database) => database.migrate()));
    expect(applied.filter((names) => names.length > 0)).toHaveLength(1);
    expect(await locks()).toEqual([]);
    for (const database of databases) expect(await database.migrate({ waitMsMax: 2_000 })).toEqual([]);
    await Promise.all(databases.map(async (database) => useTables(database, schema)));
    await Promise.all(databases.map(async (database) => database.close()));
  },
  60_000,
);

/** Every session of the pooler finds the tables of the schema, and none finds them without it. */
async function useTables(database: Database, schema: string | undefined): Promise<void> {
  await saveReferenceVersion(database, "v", { tickers: {} }, new Date());
  expect((await loadReferenceRows(database)).strategies).toEqual([]);
  const [row] = await database.query<{ path: string }>("SELECT current_setting('search_path') AS path");
  expect(row?.path).toBe('"$user", public');
  const table = schema === undefined ? "reference_snapshots" : `"${schema}".reference_snapshots`;
  expect(await sql(fresh.url, `SELECT version FROM ${table}`)).toEqual([{ version: "v" }]);
}

test("a migration that fails leaves no lock behind", async () => {
  const database = await open();
  await sql(fresh.url, "DELETE FROM signal_router_migrations");
  await expect(database.migrate()).rejects.toThrow(/already exist in schema/);
  expect(await locks()).toEqual([]);
  await database.close();
}, 60_000);
