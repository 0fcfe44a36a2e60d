import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { neededPrivileges } from "../../../../shared/config/postgres-requirements.ts";
import { readDatabaseFacts } from "../../../../shared/io/postgres/database-facts.ts";
import type { Database } from "../../../../shared/io/postgres/database.ts";
import { pendingMigrations } from "../../../../shared/io/postgres/migrate.ts";
import { readReferenceOrigin } from "../../../../shared/io/postgres/migration-history.ts";
import { openDatabase } from "../../../../shared/io/postgres/open-database.ts";
import {
  loadReferenceRows,
  loadReferenceVersion,
  readReferenceRows,
  saveReferenceVersion,
} from "../../../../shared/io/reference/reference-source.ts";
import { READ_TABLES } from "../../../../shared/reference/reference.ts";
import type { FreshDatabase } from "../../../servers/database.ts";
import { freshDatabase, migratedDatabase } from "../../../servers/fixtures.ts";
import { sql } from "../../../servers/insert-reference.ts";

/** DATABASE_SCHEMA on a real Postgres, and installations from before there were kinds of references. */

let fresh: FreshDatabase;
let role = "";
let opened: Database[] = [];
const open = async (schema: string | undefined, url = fresh.url): Promise<Database> => {
  const db = await openDatabase({ url, schema, dataDir: "", onError: () => undefined });
  opened.push(db);
  return db;
};

beforeEach(() => {
  opened = [];
  role = "";
});
afterEach(async () => {
  await Promise.all(opened.map(async (db) => db.close()));
  if (role !== "") await sql(fresh.url, `DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await fresh.drop();
});

/** Six of these names are the router's too. */
const V1_TABLES = [
  "tickers",
  "signals",
  "strategies",
  "strategy_signals",
  "strategy_tickers",
  "signal_log_entries",
];
const PUBLIC_TABLES = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";
const EMPTY = Object.fromEntries(READ_TABLES.map((table) => [table, []]));

test("a role that owns one schema migrates there, three times at once, beside v1's tables and another router's", async () => {
  fresh = await freshDatabase();
  role = `owner_${new URL(fresh.url).pathname.slice(1)}`;
  for (const table of V1_TABLES) await sql(fresh.url, `CREATE TABLE ${table} (id serial, other text)`);
  await sql(
    fresh.url,
    `CREATE ROLE ${role} LOGIN PASSWORD 'pw'; CREATE SCHEMA "Own Schema" AUTHORIZATION ${role}`,
  );
  const url = Object.assign(new URL(fresh.url), { username: role, password: "pw" }).href;
  const db = await open("Own Schema", url);
  const pending = await pendingMigrations(db);
  const applied = await Promise.all([db.migrate(), db.migrate(), db.migrate()]);
  expect(applied.flat()).toStrictEqual(pending);
  expect(applied.flat()).toEqual(
    expect.arrayContaining(["001_reference", "002_log", "003_reference_checks"]),
  );

  const other = await open("other");
  expect(await other.migrate()).toStrictEqual(pending);
  await db.query(`INSERT INTO ${db.table("strategies")} (name) VALUES ('mine')`);
  await saveReferenceVersion(db, "v1", { tickers: {}, strategies: {}, strategy_signals: {} }, new Date());
  expect(await loadReferenceRows(db)).toMatchObject({ strategies: [{ id: 1, name: "mine" }] });
  expect(await loadReferenceVersion(db, "v1")).toBeDefined();
  expect(await loadReferenceRows(other)).toStrictEqual(EMPTY);
  expect(await loadReferenceVersion(other, "v1")).toBeUndefined();
  const facts = await readDatabaseFacts(db, neededPrivileges({ logRetentionDays: 1 }));
  expect(facts).toMatchObject({ pending: [], denied: [], schema: "Own Schema" });
  expect((await sql(fresh.url, PUBLIC_TABLES)).map(({ name }) => name)).toEqual(V1_TABLES.toSorted());

  const unset = await open(undefined);
  await expect(unset.migrate()).rejects.toThrow(
    /^tickers, signals, .* already exist in schema public, .*set DATABASE_SCHEMA to a schema of the router's own/,
  );
});

test("a schema without tables is refused where they are found without it, with the statements that move them", async () => {
  fresh = await migratedDatabase();
  await sql(fresh.url, "INSERT INTO strategies (name) VALUES ('Trend follower')");
  const db = await open("trading");
  const refusal = await db.migrate().catch((error: unknown) => String(error));
  await expect(pendingMigrations(db)).rejects.toThrow(
    /DATABASE_SCHEMA is "trading", where this router has no tables/,
  );
  expect(await sql(fresh.url, "SELECT to_regnamespace('trading') AS made")).toEqual([{ made: null }]);

  const rehearsed = await db.migrate({ beside: true, rehearse: true });
  expect(rehearsed).toContain("001_reference");
  const statements = String(refusal)
    .split("\n")
    .filter((line) => line.startsWith("  "))
    .join("\n");
  await sql(fresh.url, statements);
  expect(await db.migrate()).toEqual([]);
  expect(await sql(fresh.url, PUBLIC_TABLES)).toEqual([]);
  await db.query(`INSERT INTO ${db.table("strategies")} (name) VALUES ('next')`);
  expect(await loadReferenceRows(db)).toMatchObject({ strategies: [{ id: 1 }, { id: 2, name: "next" }] });
});

test("an installation from before the kinds of references is taken over as it is", async () => {
  fresh = await freshDatabase();
  await sql(fresh.url, await readFile(join(import.meta.dirname, "before-reference-kinds.sql"), "utf8"));
  const db = await open(undefined);
  const before = await pendingMigrations(db);
  expect(before.filter((name) => /^00[123]_/.test(name))).toEqual([]);
  // As a change of the reference reads it before the migrations are applied.
  expect(
    await db.readOnly(async (query) => readReferenceRows(query, db.table, { beforeMigration: true })),
  ).toMatchObject({
    strategies: [{ name: "Trend follower" }, { name: "Switched off" }],
    ticker_aliases: [],
  });
  await sql(fresh.url, "CREATE TABLE webhook_sources (other text)");
  await expect(db.migrate()).rejects.toThrow(/^webhook_sources already exist in schema public/);
  await sql(fresh.url, "DROP TABLE webhook_sources");
  expect(await db.migrate()).toEqual(before);
  expect(await pendingMigrations(db)).toEqual([]);
  expect(await readReferenceOrigin(db)).toEqual({ kind: "own" });
  expect(await loadReferenceRows(db)).toMatchObject({
    strategies: [
      { id: 1, name: "Trend follower", handler: "webhook" },
      { id: 2, name: "Switched off" },
    ],
    strategy_tickers: [{ strategy_id: 2, symbol: "ETHUSDT" }],
  });
  const log =
    "SELECT uid, o.status FROM signal_log JOIN signal_log_entries o USING (shard, entry_id, invocation)";
  expect(await db.query(log)).toEqual([{ uid: "u1", status: "dispatched" }]);
  expect(await loadReferenceVersion(db, "0123456789abcdef")).toBeDefined();
});
