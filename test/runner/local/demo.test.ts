import { rm } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { isDemoReference, loadDemoReference } from "../../../runner/local/demo.ts";
import type { Database } from "../../../shared/io/postgres/database.ts";
import { openDatabase } from "../../../shared/io/postgres/open-database.ts";
import { embeddedFolder } from "../../servers/embedded-folder.ts";

let dataDir = "";
let db: Database;

beforeAll(async () => {
  dataDir = await embeddedFolder();
  const onError = (error: Error): never => {
    throw error;
  };
  db = await openDatabase({ url: undefined, dataDir, onError });
  await db.migrate();
});

beforeEach(async () => {
  await db.query("TRUNCATE tickers, signals, strategies RESTART IDENTITY CASCADE");
});

afterAll(async () => {
  await db.close();
  await rm(dataDir, { recursive: true, force: true });
});

const countOf = async (table: string): Promise<number> =>
  (await db.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${table}`))[0]?.count ?? 0;

test("the demo is loaded into an empty reference, once", async () => {
  expect(await loadDemoReference(db)).toBe(true);
  expect(await loadDemoReference(db)).toBe(false);
  expect(await countOf("tickers")).toBe(4);
  expect(await countOf("signals")).toBe(3);
  expect(await countOf("strategies")).toBe(7);
  expect(await countOf("strategy_tickers")).toBe(1);
});

test("every strategy of the demo subscribes to the first signal that the banner shows", async () => {
  await loadDemoReference(db);
  const rows = await db.query<{ name: string }>(
    `SELECT strategies.name FROM strategies JOIN strategy_signals ON strategy_id = strategies.id
     JOIN signals ON signals.id = signal_id WHERE long_phrase = 'EMA_CROSS_LONG' ORDER BY strategies.id`,
  );
  expect(rows.map(({ name }) => name)).toEqual([
    "Trend follower",
    "Trend reverser",
    "Ether only",
    "Opens nothing",
    "Paper trader",
    "Switched off",
    "Retired",
  ]);
});

test.each([
  "INSERT INTO tickers (symbol) VALUES ('MINE')",
  "INSERT INTO signals (name) VALUES ('Mine')",
  "INSERT INTO strategies (name) VALUES ('Mine')",
])("a reference that is not empty is not changed: %s", async (statement) => {
  await db.query(statement);
  expect(await loadDemoReference(db)).toBe(false);
  const counts = await Promise.all(["tickers", "signals", "strategies"].map(countOf));
  expect(counts.reduce((sum, count) => sum + count)).toBe(1);
});

test("the demo is known as such until a strategy of it does more than log, or another one is added", async () => {
  expect(await isDemoReference(db)).toBe(false);
  await loadDemoReference(db);
  expect(await isDemoReference(db)).toBe(true);
  await db.query("UPDATE strategies SET handler = 'webhook' WHERE id = 1");
  expect(await isDemoReference(db)).toBe(false);
  await db.query("UPDATE strategies SET handler = 'log' WHERE id = 1");
  await db.query("INSERT INTO strategies (name) VALUES ('Mine')");
  expect(await isDemoReference(db)).toBe(false);
});
