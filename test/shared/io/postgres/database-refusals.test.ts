import { afterEach, beforeEach, expect, test } from "vitest";
import { postgresHealth } from "../../../../runner/telemetry/health.ts";
import type { Database } from "../../../../shared/io/postgres/database.ts";
import { openDatabase } from "../../../../shared/io/postgres/open-database.ts";
import type { FreshDatabase } from "../../../servers/database.ts";
import { freshDatabase, migratedDatabase } from "../../../servers/fixtures.ts";
import { sql } from "../../../servers/insert-reference.ts";

/** What is said when Postgres answers, and does not let the router do its work. */

let fresh: FreshDatabase;
let db: Database;
let role = "";
const config = { logRetentionDays: 0 };

/** Opens the database as a user without rights. */
async function openAsGuest(url: string): Promise<Database> {
  role = `guest_${new URL(url).pathname.slice(1)}`;
  await sql(url, `CREATE ROLE ${role} LOGIN PASSWORD 'pw'`);
  return openDatabase({
    url: Object.assign(new URL(url), { username: role, password: "pw" }).href,
    dataDir: "",
    onError: () => undefined,
  });
}

beforeEach(() => {
  role = "";
});
afterEach(async () => {
  await db.close();
  if (role !== "") await sql(fresh.url, `DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await fresh.drop();
});

test("a user without rights: migrate, the log and health say that it is the permission, and what to grant", async () => {
  fresh = await freshDatabase();
  db = await openAsGuest(fresh.url);
  await expect(db.migrate()).rejects.toThrow(
    /^Postgres denies permission: permission denied for schema public.*GRANT USAGE, CREATE ON SCHEMA public/,
  );
  await sql(fresh.url, "CREATE TABLE signal_log (id integer)");
  await expect(db.query("INSERT INTO signal_log VALUES (1)")).rejects.toThrow(
    /^Postgres denies permission: .*table signal_log.*GRANT SELECT, INSERT, UPDATE, DELETE ON signal_log/,
  );
  // Of what it only reads, such as the tables of another system, it needs no more.
  await sql(fresh.url, "CREATE TABLE signals_v4 (id integer)");
  await expect(db.query("SELECT FROM signals_v4")).rejects.toThrow(
    /; grant it: GRANT SELECT ON signals_v4 TO/,
  );
  const health = await postgresHealth(db, config);
  expect(health).toMatchObject({
    postgresReachable: true,
    postgresRefusal: expect.stringMatching(/may not .*INSERT on signal_log/),
  });
});

test("a read-only database: migrate, the log and health say that, and what to do", async () => {
  fresh = await migratedDatabase();
  const name = new URL(fresh.url).pathname.slice(1);
  await sql(fresh.url, `ALTER DATABASE ${name} SET default_transaction_read_only = on`);
  db = await openDatabase({ url: fresh.url, dataDir: "", onError: () => undefined });
  const readOnly = /^Postgres is read-only: .*SQLSTATE 25006.*default_transaction_read_only = off/;
  await expect(db.query("INSERT INTO system_log DEFAULT VALUES")).rejects.toThrow(readOnly);
  expect(await postgresHealth(db, config)).toMatchObject({
    postgresReachable: true,
    postgresRefusal: expect.stringMatching(/^Postgres is read-only: point DATABASE_URL to the primary/),
  });
  await sql(
    fresh.url,
    "BEGIN READ WRITE; DELETE FROM signal_router_migrations WHERE name = '004_worker_reports'; COMMIT",
  );
  await expect(db.migrate()).rejects.toThrow(readOnly);
});

test("a wrong password, and a database that is missing, are told from an outage, without the user", async () => {
  fresh = await freshDatabase();
  const url = Object.assign(new URL(fresh.url), { pathname: "/nothere" });
  db = await openDatabase({ url: url.href, dataDir: "", onError: () => undefined });
  await expect(db.query("SELECT 1")).rejects.toThrow(
    /^Postgres has no such database: .*correct DATABASE_URL/,
  );
  expect((await postgresHealth(db, config)).postgresRefusal).toMatch(/no such database/);
});
