import { afterAll, beforeAll, expect, test } from "vitest";
import type { Database } from "../../../../shared/io/postgres/database.ts";
import { openDatabase } from "../../../../shared/io/postgres/open-database.ts";
import { loadReferenceRows } from "../../../../shared/io/reference/reference-source.ts";
import { publicReason } from "../../../../shared/io/reference/refresh-failures.ts";
import { readRows } from "../../../../shared/reference/read-rows.ts";
import { signalRow, strategyRow, tickerRow } from "../../../builders.ts";
import type { FreshDatabase } from "../../../servers/database.ts";
import { freshDatabase } from "../../../servers/fixtures.ts";
import { sql } from "../../../servers/insert-reference.ts";

/** A reference in relations of other programs, on a real Postgres. */

let fresh: FreshDatabase;
let db: Database;
let role = "";
beforeAll(async () => {
  fresh = await freshDatabase();
  role = `reader_${new URL(fresh.url).pathname.slice(1)}`;
  await sql(
    fresh.url,
    `CREATE ROLE ${role} LOGIN PASSWORD 'pw'; ALTER ROLE ${role} SET statement_timeout = '400ms'; CREATE SCHEMA ref`,
  );
  await sql(
    fresh.url,
    `GRANT USAGE ON SCHEMA ref TO ${role}; ALTER DEFAULT PRIVILEGES IN SCHEMA ref GRANT SELECT ON TABLES TO ${role}`,
  );
  await sql(
    fresh.url,
    `CREATE VIEW ref.tickers AS SELECT 'BTCUSDT'::varchar AS symbol;
     CREATE VIEW ref.signals AS SELECT 1::bigint AS id, 'one' AS name, 'GO' AS long_phrase;
     CREATE TABLE ref.strategies (id int, name text);
     INSERT INTO ref.strategies VALUES (7, 'seven');
     CREATE VIEW ref.strategy_signals AS SELECT 7 AS strategy_id, 1 AS signal_id;
     CREATE VIEW ref.strategy_tickers AS SELECT 7 AS strategy_id, 'X' AS symbol;
     CREATE TABLE ref.ticker_aliases (alias text, symbol text);
     INSERT INTO ref.ticker_aliases VALUES ('XBTUSD', 'BTCUSDT'), ('BTC/USDT', 'BTCUSDT');
     CREATE TABLE ref.webhook_sources (name text, enabled boolean, format text, template jsonb, uid text)`,
  );
  const url = Object.assign(new URL(fresh.url), { username: role, password: "pw" }).href;
  db = await openDatabase({ url, schema: "ref", dataDir: "", onError: () => undefined });
});
afterAll(async () => {
  await db.close();
  await sql(fresh.url, `DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await fresh.drop();
});

/** Why it cannot be read with the relation replaced; as health and events say it. */
async function reasonWith(view: string, definition: string, limit = { msMax: 300 }): Promise<string> {
  await sql(fresh.url, `ALTER TABLE ref.${view} RENAME TO good; CREATE VIEW ref.${view} AS ${definition}`);
  try {
    return await loadReferenceRows(db, limit).then(() => "it was read", publicReason);
  } finally {
    await sql(fresh.url, `DROP VIEW ref.${view}; ALTER TABLE ref.good RENAME TO ${view}`);
  }
}

test("a column that a relation does not have counts as the default of the router's table", async () => {
  const raw = await loadReferenceRows(db);
  expect(raw).toStrictEqual({
    tickers: [{ symbol: "BTCUSDT" }],
    signals: [{ id: 1, name: "one", long_phrase: "GO" }],
    strategies: [{ id: 7, name: "seven" }],
    strategy_signals: [{ strategy_id: 7, signal_id: 1 }],
    strategy_tickers: [{ strategy_id: 7, symbol: "X" }],
    ticker_aliases: [
      { alias: "BTC/USDT", symbol: "BTCUSDT" },
      { alias: "XBTUSD", symbol: "BTCUSDT" },
    ],
    webhook_sources: [],
  });
  const { rows, faults } = readRows(raw);
  expect(faults).toEqual([]);
  expect(rows).toMatchObject({
    tickers: [tickerRow("BTCUSDT")],
    signals: [signalRow(1, { name: "one", long_phrase: "GO", short_phrase: null })],
    strategies: [strategyRow(7, { name: "seven" })],
  });
});

test.each([
  ["strategy_signals", "SELECT 7 AS strategy_id", "table strategy_signals, column signal_id is missing"],
  [
    "tickers",
    "SELECT 'X' AS symbol, 1 AS status",
    "table tickers, column status is of type integer, expected enabled",
  ],
  [
    "strategies",
    "SELECT 7 AS id, 'seven' AS name, 'yes' AS enabled",
    "table strategies, column enabled is of type text, expected true or false",
  ],
  [
    "signals",
    "SELECT 1 AS id, 'one' AS name, pg_sleep(5)::text AS long_phrase",
    "table signals could not be read within 0.3 s",
  ],
  [
    "tickers",
    "SELECT 'X' AS symbol, 'BINANCE' AS exchanges",
    "table tickers, column exchanges is of type text, expected NULL, or a list of exchanges",
  ],
  ["tickers", "SELECT lower('X')::int::text AS symbol", "table tickers cannot be read: Postgres refused"],
])("a wrong view under the name %s is named: %s", async (view, definition, reason) => {
  expect(await reasonWith(view, definition)).toContain(reason);
});

test("the limit that is named is the user's own where that is lower", async () => {
  const slow = "SELECT 1 AS id, 'one' AS name, pg_sleep(5)::text AS long_phrase";
  expect(await reasonWith("signals", slow, { msMax: 25_000 })).toContain("could not be read within 0.4 s");
});

test("a relation, and a column, that the user may not read is named", async () => {
  await sql(
    fresh.url,
    `REVOKE SELECT ON ref.strategies FROM ${role}; GRANT SELECT (id) ON ref.strategies TO ${role}`,
  );
  await expect(loadReferenceRows(db)).rejects.toThrow(
    /table strategies, column name may not be read.*GRANT SELECT/,
  );
  await sql(fresh.url, `GRANT SELECT ON ref.strategies TO ${role}; REVOKE USAGE ON SCHEMA ref FROM ${role}`);
  await expect(loadReferenceRows(db)).rejects.toThrow(/permission denied for schema ref/);
  await sql(fresh.url, `GRANT USAGE ON SCHEMA ref TO ${role}`);
});
