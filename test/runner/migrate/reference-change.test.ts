import { afterEach, beforeEach, expect, test } from "vitest";
import { migrate, type MigrateRequest } from "../../../runner/migrate/migrate-command.ts";
import type { Database } from "../../../shared/io/postgres/database.ts";
import { pendingMigrations } from "../../../shared/io/postgres/migrate.ts";
import { readReferenceOrigin } from "../../../shared/io/postgres/migration-history.ts";
import { openDatabase } from "../../../shared/io/postgres/open-database.ts";
import { referenceEditsOn } from "../../../shared/io/reference-edits/reference-edits.ts";
import { otherSystemText, readOtherSystem } from "../../../shared/io/reference/other-systems.ts";
import { loadReferenceRows } from "../../../shared/io/reference/reference-source.ts";
import type { FreshDatabase } from "../../servers/database.ts";
import { freshDatabase } from "../../servers/fixtures.ts";
import { sql } from "../../servers/insert-reference.ts";

/** `npm run migrate -- --reference …` on a real Postgres. */

let fresh: FreshDatabase;
let db: Database;
let printed: string[] = [];
beforeEach(async () => {
  fresh = await freshDatabase();
  db = await openDatabase({ url: fresh.url, schema: "router", dataDir: "", onError: () => undefined });
  printed = [];
});
afterEach(async () => {
  await db.close();
  await fresh.drop();
});

/** `answer`: a person's on the terminal; undefined: there is none. */
async function run(request: Partial<MigrateRequest>, answer?: boolean): Promise<string> {
  const io = {
    shard: "",
    print: (line: string) => void printed.push(line),
    confirm: async () => Promise.resolve(answer),
    onWait: () => undefined,
  };
  return migrate(db, { yes: false, switch: false, beside: false, ...request }, io);
}

/** The tables of v4 as that system makes them. */
const V4 = `
  CREATE TABLE tickers_bb (id serial PRIMARY KEY, symbol text UNIQUE, status text, tradepermission text, is_active boolean,
    precision_price int, precision_qty int, min_qty numeric, created_at timestamp DEFAULT now());
  CREATE TABLE signals_v4 (id serial PRIMARY KEY, name text, long_phrase text, short_phrase text, timeframe text, source text,
    rule text, description text, enabled boolean, created_at timestamp DEFAULT now());
  CREATE TABLE strategies_v4 (id serial PRIMARY KEY, name text, human_name text, description text, signal_id int, enabled boolean,
    reverse boolean, archived boolean, use_all_tickers boolean, allow_open boolean, timeframe text, deathrow boolean);
  CREATE TABLE strategy_tickers_v4 (id serial PRIMARY KEY, strategy_id int, ticker_id int, enabled boolean);
  INSERT INTO tickers_bb (symbol, status, tradepermission, is_active) VALUES ('BTCUSDT', 'enabled', 'enabled', true);
  INSERT INTO signals_v4 (name, long_phrase, short_phrase, enabled) VALUES ('one', 'GO', 'STOP', true);
  INSERT INTO strategies_v4 (name, signal_id, enabled, reverse, archived, use_all_tickers, allow_open)
    VALUES ('scalper', 1, true, false, false, true, true);`;

const OWN_ROWS = `SELECT id, name FROM router.strategies ORDER BY id`;

test("own tables keep rows, ids and checks on the way to another system's views and back, after a look and a yes", async () => {
  await sql(fresh.url, V4);
  await run({});
  expect(await readReferenceOrigin(db)).toEqual({ kind: "own" });
  const other = await readOtherSystem(db);
  expect(other === undefined ? "" : otherSystemText(other)).toMatch(
    /`npm run migrate -- --reference v4 --switch`$/,
  );
  await sql(
    fresh.url,
    "INSERT INTO router.strategies (name) VALUES ('Trend follower'), ('gone'); DELETE FROM router.strategies WHERE id = 2",
  );
  await sql(
    fresh.url,
    "INSERT INTO router.signals (name, long_phrase) VALUES ('own', 'OWN'); INSERT INTO router.strategy_signals VALUES (1, 1)",
  );
  expect(await readOtherSystem(db)).toBeUndefined();

  await expect(run({ reference: "v4", yes: true })).rejects.toThrow(
    /the reference is the router's own tables.*add --switch/,
  );
  await expect(run({ reference: "v4", switch: true })).rejects.toThrow(/no terminal to ask on: add --yes/);
  await expect(run({ reference: "v4", switch: true }, false)).rejects.toThrow(/not confirmed/);
  expect(printed.join("\n")).toMatch(/differently:\n {2}more: 1 ticker .*: BTCUSDT\n/);
  expect(printed).toContain("  less: 1 strategy would get no tasks any longer: Trend follower (1)");
  expect(await sql(fresh.url, OWN_ROWS)).toEqual([{ id: 1, name: "Trend follower" }]);

  const done = await run({ reference: "v4", switch: true, yes: true });
  expect(done).toMatch(/views over the tables of v4 in schema public/);
  expect(await readReferenceOrigin(db)).toEqual({ kind: "v4", source: "public" });
  expect(await pendingMigrations(db)).toEqual([]);
  expect(await sql(fresh.url, "SELECT id FROM router.own_strategies")).toEqual([{ id: 1 }]);
  expect(await sql(fresh.url, "SELECT id FROM router.strategies")).toEqual([{ id: 1 }]);
  await run({});
  expect(await readReferenceOrigin(db)).toEqual({ kind: "v4", source: "public" });

  await run({ reference: "own", switch: true, yes: true });
  await sql(fresh.url, "INSERT INTO router.strategies (name) VALUES ('next')");
  expect(await sql(fresh.url, OWN_ROWS)).toEqual([
    { id: 1, name: "Trend follower" },
    { id: 3, name: "next" },
  ]);
  await expect(sql(fresh.url, "INSERT INTO router.strategies (name) VALUES ('next')")).rejects.toThrow(
    /strategies_name_key/,
  );
  await expect(sql(fresh.url, "INSERT INTO router.strategies (name) VALUES (' ')")).rejects.toThrow(
    /strategies_name_check/,
  );
  await sql(fresh.url, "DELETE FROM router.strategies WHERE id = 1");
  expect(await sql(fresh.url, "SELECT * FROM router.strategy_signals")).toEqual([]);
});

test("relations that another program has made are read before they are taken, and only the log is made", async () => {
  await expect(run({ reference: "none" })).rejects.toThrow(/^table tickers cannot be read: .*does not exist/);
  await sql(
    fresh.url,
    `CREATE SCHEMA router; CREATE VIEW router.tickers AS SELECT 'BTCUSDT' AS symbol;
     CREATE VIEW router.signals AS SELECT 1 AS id, 'one' AS name, 'GO' AS long_phrase;
     CREATE VIEW router.strategies AS SELECT 7 AS number, 'seven' AS name;
     CREATE VIEW router.strategy_signals AS SELECT 7 AS strategy_id, 1 AS signal_id;
     CREATE VIEW router.strategy_tickers AS SELECT 7 AS strategy_id, 'X' AS symbol WHERE false`,
  );
  await expect(run({ reference: "none" })).rejects.toThrow(/^table strategies, column id is missing/);
  expect(await readReferenceOrigin(db)).toBeUndefined();
  await sql(
    fresh.url,
    "DROP VIEW router.strategies; CREATE VIEW router.strategies AS SELECT 7 AS id, 'seven' AS name",
  );
  const done = await run({ reference: "none" });
  expect(done).toMatch(/applied 002_log.*another program has made/);
  expect(done).not.toMatch(/001_|003_/);
  await expect(run({ reference: "own", switch: true, yes: true })).rejects.toThrow(
    /tickers, .* already exist in schema router/,
  );
});

test("the log of v4 is given back also after the reference has become the router's own again", async () => {
  await sql(
    fresh.url,
    `${V4}
     CREATE TABLE signals_v4_log (id serial PRIMARY KEY, signal_id int, symbol text, direction text, source text, message text,
       raw_message text, bar_time timestamp, sent_at timestamp, received_at timestamp, logged_at timestamp, status text, uid text UNIQUE);
     INSERT INTO tickers_bb (symbol, status, tradepermission) VALUES ('BTCUSDT.P', 'enabled', 'enabled')`,
  );
  await run({ reference: "v4", yes: true });
  expect(printed).toContainEqual(
    expect.stringMatching(/^BTCUSDT and BTCUSDT.P are both listed, so they are two/),
  );
  // The router's own two tables are read beside the views, and stay when the reference is its own.
  const edits = referenceEditsOn(db, { useOf: async () => new Map() });
  const document = {
    tickers: [],
    signals: [],
    strategies: [],
    aliases: [{ alias: "XBT", symbol: "BTCUSDT" }],
  };
  const how = { by: "ann", reason: null, dryRun: false, agreed: true, prune: false, kind: "apply" } as const;
  expect(await edits.apply({ document, ...how })).toMatchObject({ status: "done" });
  const aliases = async () => (await loadReferenceRows(db)).ticker_aliases;
  expect(await aliases()).toEqual([{ alias: "XBT", symbol: "BTCUSDT" }]);
  await run({ reference: "v4", compat: "on" });
  await run({ reference: "own", switch: true, yes: true });
  expect(await pendingMigrations(db)).toEqual([]);
  expect(await edits.history({ countMax: 9 })).toMatchObject([{ kind: "apply" }, { kind: "seen" }]);
  expect(await aliases()).toEqual([{ alias: "XBT", symbol: "BTCUSDT" }]);
  await expect(run({ reference: "v4", compat: "on" })).rejects.toThrow(/not views over these tables/);
  await run({ reference: "v4", compat: "off" });
  expect(await sql(fresh.url, "SELECT relkind FROM pg_class WHERE relname = 'signals_v4_log'")).toEqual([
    { relkind: "r" },
  ]);
});
