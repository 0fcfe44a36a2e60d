import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DatabaseError, type Database } from "../../../../shared/io/postgres/database.ts";
import { pendingMigrations } from "../../../../shared/io/postgres/migrate.ts";
import { databaseKinds, type TestDatabase } from "./databases.ts";

const rejection = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe.each(databaseKinds)("a database of kind $kind", ({ kind, create }) => {
  let testDatabase: TestDatabase;
  let db: Database;
  beforeAll(async () => {
    testDatabase = await create();
    db = await testDatabase.open({ poolMax: 2 });
    await db.query("CREATE TABLE things (id integer PRIMARY KEY, name text CHECK (name <> 'forbidden'))");
  });
  afterAll(async () => {
    await db.close();
    await testDatabase.remove();
  });

  it("says what kind it is", () => {
    expect(db.kind).toBe(kind);
  });

  it("returns values of the same types as every other kind", async () => {
    const [row] = await db.query(
      `SELECT 7 AS int4, count(*) AS int8, true AS bool, 'text' AS text, NULL AS nothing, '{"a": [1, null]}'::jsonb AS jsonb,
       '2026-01-02 03:04:05.678+02'::timestamptz AS at, 1.5::float8 AS float8, 1.5::numeric AS numeric,
       ARRAY['a', 'b'] AS texts, '6f1ed002-ab5d-4c4e-8e0c-3f1a1f8f2c11'::uuid AS uuid FROM pg_database WHERE false`,
    );
    expect(row).toStrictEqual({
      int4: 7,
      int8: 0,
      bool: true,
      text: "text",
      nothing: null,
      jsonb: { a: [1, null] },
      at: new Date("2026-01-02T01:04:05.678Z"),
      float8: 1.5,
      numeric: "1.5",
      texts: ["a", "b"],
      uuid: "6f1ed002-ab5d-4c4e-8e0c-3f1a1f8f2c11",
    });
  });

  it("takes values of the same types as every other kind", async () => {
    const at = new Date("2026-01-02T03:04:05.678Z");
    const [row] = await db.query(
      "SELECT $1::integer AS int4, $2::text AS text, $3::jsonb AS jsonb, $4::timestamptz AS at, $5::boolean AS bool, $6::text AS nothing",
      [7, "ünï", JSON.stringify([1, { a: "b" }]), at, false, null],
    );
    expect(row).toStrictEqual({
      int4: 7,
      text: "ünï",
      jsonb: [1, { a: "b" }],
      at,
      bool: false,
      nothing: null,
    });
  });

  it("shows the state at one moment in a read-only transaction, whatever is written meanwhile", async () => {
    const count = "SELECT count(*) AS n FROM things WHERE id = 100";
    let write: Promise<unknown> = Promise.resolve();
    const seen = await db.readOnly(async (query) => {
      const before = await query(count);
      write = db.query("INSERT INTO things VALUES (100, 'meanwhile')");
      // With one connection the write waits for the end of the transaction, so it must not be awaited here.
      if (kind !== "pglite") await write;
      return [before, await query(count)];
    });
    await write;
    expect(seen).toStrictEqual([[{ n: 0 }], [{ n: 0 }]]);
    expect(await db.query(count)).toStrictEqual([{ n: 1 }]);
  });

  it("refuses to write in a read-only transaction and still works afterwards", async () => {
    const error = await rejection(db.readOnly((query) => query("INSERT INTO things VALUES (101, 'no')")));
    expect(error).toMatchObject({ name: "DatabaseError", kind: "unavailable", sqlstate: "25006" });
    expect(await db.query("SELECT 1 AS one FROM things WHERE id = 101")).toStrictEqual([]);
  });

  it("rethrows what the work in a read-only transaction throws", async () => {
    const thrown = new TypeError("mine");
    const work = async (): Promise<never> => Promise.reject(thrown);
    expect(await rejection(db.readOnly(work))).toBe(thrown);
    expect(await db.query("SELECT 1 AS one")).toStrictEqual([{ one: 1 }]);
  });

  it("writes all of a transaction or nothing, also one in which a statement was refused", async () => {
    const thrown = new TypeError("mine");
    const ids = [200, 201];
    const inserting = async (query: Database["query"]): Promise<void> => {
      for (const id of ids) await query("INSERT INTO things VALUES ($1, 'both')", [id]);
    };
    const failing = db.transaction(async (query) => {
      await inserting(query);
      throw thrown;
    });
    expect(await rejection(failing)).toBe(thrown);
    const refused = db.transaction(async (query) => {
      await inserting(query);
      await query("INSERT INTO things VALUES (202, 'forbidden')");
    });
    expect(await rejection(refused)).toMatchObject({ kind: "refused", sqlstate: "23514" });
    const written = "SELECT id FROM things WHERE id >= 200 ORDER BY id";
    expect(await db.query(written)).toStrictEqual([]);
    await db.transaction(inserting);
    expect(await db.query(written)).toStrictEqual(ids.map((id) => ({ id })));
  });

  it.each([
    { what: "text that is not a number", sql: "SELECT 's3cret'::text::integer", sqlstate: "22P02" },
    {
      what: "a NUL character in JSON",
      sql: `SELECT '{"s3cret": "\\u0000"}'::text::jsonb`,
      sqlstate: "22P05",
    },
    { what: "a failed check", sql: "INSERT INTO things VALUES (1, 'forbidden')", sqlstate: "23514" },
    {
      what: "a second row of one key",
      sql: "INSERT INTO things VALUES (2, 's3cret'), (2, 'b')",
      sqlstate: "23505",
    },
    { what: "a missing value", sql: "INSERT INTO things VALUES (NULL, 's3cret')", sqlstate: "23502" },
  ])("reports $what as refused, without the values", async ({ sql, sqlstate }) => {
    const error = await rejection(db.query(sql));
    expect(error).toBeInstanceOf(DatabaseError);
    expect(error).toMatchObject({ kind: "refused", sqlstate, message: expect.stringContaining(sqlstate) });
    expect(String(error)).not.toMatch(/s3cret|forbidden'/);
    expect(error).not.toHaveProperty("cause");
  });

  it("names the constraint that a row violates", async () => {
    const error = await rejection(db.query("INSERT INTO things VALUES (1, 'forbidden')"));
    expect(String(error)).toMatch(/things_name_check/);
  });

  it("reports a missing table as unavailable: the rows are not to blame", async () => {
    const error = await rejection(db.query("SELECT * FROM nowhere"));
    expect(error).toMatchObject({ kind: "unavailable", sqlstate: "42P01" });
  });

  it("keeps working however many statements fail", async () => {
    const failing = Array.from({ length: 30 }, async () => rejection(db.query("SELECT 1 / 0")));
    for (const error of await Promise.all(failing)) expect(error).toMatchObject({ sqlstate: "22012" });
    expect(await db.query("SELECT 1 AS one")).toStrictEqual([{ one: 1 }]);
  });

  it("applies each migration once, and lists the missing ones", async () => {
    const names = [
      "001_reference",
      "002_log",
      "003_reference_checks",
      "004_worker_reports",
      "005_reference_changes",
      "006_retries",
      "007_events_done",
      "008_exits",
      "009_router_tables",
      "010_exits",
    ];
    expect(await pendingMigrations(db)).toStrictEqual(names);
    const results = await Promise.all([db.migrate(), db.migrate(), db.migrate()]);
    expect(results.flat()).toStrictEqual(names);
    expect(await pendingMigrations(db)).toStrictEqual([]);
    expect(await db.migrate()).toStrictEqual([]);
    const tables = await db.query<{ name: string }>(
      "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'",
    );
    const expected =
      "invocations reference_changes reference_snapshots signal_log signal_log_entries signal_router_migrations signals " +
      "strategies strategy_signals strategy_tickers system_log things ticker_aliases tickers webhook_sources";
    expect(new Set(tables.map(({ name }) => name))).toStrictEqual(new Set(expected.split(" ")));
  });

  it("accepts explicit ids and generates further ones", async () => {
    await db.migrate();
    await db.query("INSERT INTO signals (id, name) VALUES (4711, 'explicit')");
    const [row] = await db.query("INSERT INTO signals (name) VALUES ('given') RETURNING id, enabled");
    expect(row).toStrictEqual({ id: 1, enabled: true });
  });

  it("can be closed twice, and answers unavailable from then on", async () => {
    const other = await create();
    const closing = await other.open();
    await closing.query("SELECT 1");
    await Promise.all([closing.close(), closing.close()]);
    expect(await rejection(closing.query("SELECT 1"))).toMatchObject({
      name: "DatabaseError",
      kind: "unavailable",
    });
    await other.remove();
  });
});
