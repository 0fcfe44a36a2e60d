import { afterEach, expect, it } from "vitest";
import { openDatabase } from "../../../../shared/io/postgres/open-database.ts";
import { readMappingReport, viewsStatement } from "../../../../shared/io/reference-mapping/mapping.ts";
import { sql } from "../../../servers/insert-reference.ts";
import { decisionOn, makeViews, snapshotIn, useOldSystem } from "./mapping-fixture.ts";

const mapped = useOldSystem("v4", "router");
const { db } = mapped;
const v4 = { system: "v4", source: "public" } as const;

/** What takes a test's change of the database back. */
let undo: string[] = [];
afterEach(async () => {
  for (const statement of undo) await sql(mapped.url(), statement);
  undo = [];
});

it("columns that an older installation does not have count as their defaults, and are named", async () => {
  const change = [
    ...["archived", "reverse", "use_all_tickers"].map((column) => `RENAME COLUMN ${column} TO no_${column}`),
    "RENAME COLUMN human_name TO no_human_name",
  ];
  for (const each of change) await sql(mapped.url(), `ALTER TABLE strategies_v4 ${each}`);
  await sql(mapped.url(), "ALTER TABLE tickers_bb RENAME TO tickers_v4");
  undo = [
    "DROP SCHEMA router CASCADE",
    "ALTER TABLE tickers_v4 RENAME TO tickers_bb",
    ...["archived", "reverse", "use_all_tickers", "human_name"].map(
      (column) => `ALTER TABLE strategies_v4 RENAME COLUMN no_${column} TO ${column}`,
    ),
  ];
  const { lines, faults } = await db.readOnly((query) => readMappingReport(query, v4));
  expect(faults).toEqual([]);
  expect(lines.slice(1, 6)).toEqual([
    expect.stringContaining("10 in tickers_v4"),
    "  Table strategies_v4 has no column human_name: strategies are named `name #id`.",
    "  Table strategies_v4 has no column archived: no strategy counts as archived.",
    "  Table strategies_v4 has no column reverse: no strategy reverses positions.",
    "  Table strategies_v4 has no column use_all_tickers: every strategy gets all tickers.",
  ]);
  await makeViews(mapped, { system: "v4", schema: "router" });
  const snapshot = await snapshotIn(db);
  // With 3 and 9, whose own tickers do not count, and 6 and 7, which no longer count as archived; without 2, which may only reverse.
  expect(decisionOn(snapshot, "EMA_SHORT", "BTCUSDT")).toBe("dispatched 1 3 4 6 7 9");
  expect(snapshot.strategies.get(1)?.name).toBe("ema_1 #1");
});

it("a table, column or type that the mapping cannot do without is a fault that says what to do", async () => {
  undo = [
    "ALTER TABLE no_signals RENAME TO signals_v4",
    "ALTER TABLE strategies_v4 RENAME COLUMN no_enabled TO enabled",
    "ALTER TABLE strategies_v4 ALTER archived TYPE boolean USING archived::boolean",
  ];
  await sql(mapped.url(), "ALTER TABLE signals_v4 RENAME TO no_signals");
  await sql(mapped.url(), "ALTER TABLE strategies_v4 RENAME COLUMN enabled TO no_enabled");
  await sql(mapped.url(), "ALTER TABLE strategies_v4 ALTER archived TYPE text");
  const { lines, faults } = await db.readOnly((query) => readMappingReport(query, v4));
  const own = "write a mapping of your own (shared/io/reference-mapping/README.md)";
  expect(lines).toEqual([]);
  expect(faults).toEqual([
    `schema public has no table signals_v4, which the mapping of v4 reads: name the schema that has it, or ${own}`,
    `table public.strategies_v4, column enabled: it is not there, and the mapping of v4 needs it: add it, or ${own}`,
    `table public.strategies_v4, column archived: its type is text, expected one that holds true or false: change the type, or ${own}`,
  ]);
  await expect(db.readOnly((query) => viewsStatement(query, v4))).rejects.toThrow(faults.join("\n"));
});

it("a schema that is not there is a fault", async () => {
  const { faults } = await db.readOnly((query) => readMappingReport(query, { system: "v4", source: "old" }));
  expect(faults).toEqual([
    "this database has no schema old: name the schema of the old tables, or set DATABASE_URL to the database that has them",
  ]);
});

it("what the role may not read is a fault with the statement that grants it", async () => {
  const role = `r${process.pid}`;
  const url = new URL(mapped.url());
  url.username = role;
  url.password = "secret";
  await sql(mapped.url(), `CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
  undo = [`DROP OWNED BY ${role}`, `DROP ROLE ${role}`, "GRANT USAGE ON SCHEMA public TO PUBLIC"];
  await sql(mapped.url(), `CREATE SCHEMA router AUTHORIZATION ${role}`);
  await sql(mapped.url(), "REVOKE USAGE ON SCHEMA public FROM PUBLIC");
  const asRole = await openDatabase({ url: url.href, dataDir: "/nowhere", onError: () => undefined });
  try {
    const blind = await asRole.readOnly((query) => readMappingReport(query, v4));
    expect(blind.faults).toEqual([
      `role ${role} may not use the schema public: as its owner, GRANT USAGE ON SCHEMA "public" TO "${role}"`,
    ]);
    await sql(mapped.url(), `GRANT USAGE ON SCHEMA public TO ${role}`);
    const { faults } = await asRole.readOnly((query) => readMappingReport(query, v4));
    expect(faults).toContain(
      `table public.tickers_bb: role ${role} may not read it: as its owner, GRANT SELECT ON "public"."tickers_bb" TO "${role}"`,
    );
    for (const fault of faults) await sql(mapped.url(), /GRANT .*$/.exec(fault)?.[0] ?? "");
    expect((await asRole.readOnly((query) => readMappingReport(query, v4))).faults).toEqual([]);
    const views = await asRole.readOnly((query) => viewsStatement(query, v4));
    await sql(url.href, `BEGIN; SET LOCAL search_path TO router; ${views} COMMIT`);
  } finally {
    await asRole.close();
  }
});
