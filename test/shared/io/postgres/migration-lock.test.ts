import { Client } from "pg";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Database } from "../../../../shared/io/postgres/database.ts";
import { applyMigrations } from "../../../../shared/io/postgres/migrate.ts";
import { MIGRATION_LOCK, type MigrationClient } from "../../../../shared/io/postgres/migration-lock.ts";
import { openDatabase } from "../../../../shared/io/postgres/open-database.ts";
import type { FreshDatabase } from "../../../servers/database.ts";
import { freshDatabase } from "../../../servers/fixtures.ts";

/** Migrations while something else in the database stands in the way. */

let fresh: FreshDatabase;
let db: Database;
let other: Client;
beforeEach(async () => {
  fresh = await freshDatabase();
  db = await openDatabase({ url: fresh.url, dataDir: "", onError: () => undefined });
  other = new Client({ connectionString: fresh.url, application_name: "nightly job" });
  await other.connect();
});
afterEach(async () => {
  await other.end();
  await db.close();
  await fresh.drop();
});

const pidOf = async (client: Client): Promise<number> =>
  (await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]?.pid ?? 0;

test("one that waits for another says at once for whom, gives up in time, and has changed nothing", async () => {
  await other.query(`BEGIN; SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
  const onWait = vi.fn<(message: string) => void>();
  const waiting = db.migrate({ waitMsMax: 300, onWait });
  const pid = await pidOf(other);
  await expect(waiting).rejects.toThrow(
    new RegExp(
      `migrating this database for more than 0.3 s: pid ${pid} \\(application_name nightly job,.*since 20.*pg_terminate_backend`,
    ),
  );
  expect(onWait.mock.calls).toEqual([[expect.stringContaining(`waiting for it: pid ${pid}`)]]);
  expect(await db.query("SELECT 1 FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);
});

test("it goes on as soon as the other one has ended", async () => {
  await other.query(`BEGIN; SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
  const applied = db.migrate({ onWait: () => void other.query("ROLLBACK") });
  expect(await applied).toContain("001_reference");
});

test("a table that is in use keeps it no longer than the limit, and who uses it is named", async () => {
  await other.query("CREATE TABLE signal_router_migrations (id serial, name varchar(255), run_on timestamp)");
  await other.query("BEGIN; LOCK TABLE signal_router_migrations");
  await expect(db.migrate({ waitMsMax: 300 })).rejects.toThrow(
    new RegExp(
      `in use and could not be changed within 0.3 s: pid ${await pidOf(other)} \\(application_name nightly`,
    ),
  );
});

/** As through a pooler in transaction mode: outside of a transaction each statement has the next of the sessions. */
function pooled(sessions: readonly Client[]): MigrationClient {
  let next = 0;
  let open = false;
  return {
    async query(sql, values) {
      const session = sessions[next % sessions.length];
      if (sql.startsWith("BEGIN")) open = true;
      if (/^(COMMIT|ROLLBACK)/.test(sql)) open = false;
      if (!open) next += 1;
      return session?.query(sql, values) ?? { rows: [] };
    },
  };
}

test("through a pooler in transaction mode no lock is left behind", async () => {
  const second = new Client({ connectionString: fresh.url });
  await second.connect();
  expect(await applyMigrations(pooled([other, second]))).not.toEqual([]);
  expect(await applyMigrations(pooled([second, other]))).toEqual([]);
  const { rows } = await other.query(
    `SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = pg_locks.database
     WHERE locktype = 'advisory' AND d.datname = current_database()`,
  );
  expect(rows).toEqual([]);
  await second.end();
});
