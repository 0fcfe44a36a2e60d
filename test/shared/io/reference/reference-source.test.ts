import { beforeEach, describe, expect, it } from "vitest";
import {
  loadReferenceRows,
  loadReferenceVersion,
  saveReferenceVersion,
} from "../../../../shared/io/reference/reference-source.ts";
import { buildReference, contentJson } from "../../../../shared/reference/build-reference.ts";
import { READ_TABLES } from "../../../../shared/reference/reference.ts";
import { signalRow, strategyRow, tickerRow } from "../../../builders.ts";
import { databaseKinds, migratedDatabase } from "../postgres/databases.ts";

describe.each(databaseKinds)("reference data in a database of kind $kind", (database) => {
  const db = migratedDatabase(database);
  beforeEach(async () => {
    await db.query(`TRUNCATE ${READ_TABLES.join(", ")}, reference_snapshots`);
  });

  it("is empty when the tables are", async () => {
    const none = READ_TABLES.map((table) => [table, []]);
    expect(await loadReferenceRows(db)).toStrictEqual(Object.fromEntries(none));
  });

  it("is read with the defaults of the tables, ordered by key", async () => {
    await db.query("INSERT INTO tickers (symbol) VALUES ('ETHUSDT'), ('a'), ('BTCUSDT'), ('_')");
    await db.query("UPDATE tickers SET exchanges = '{BINANCE,*}' WHERE symbol = 'a'");
    await db.query(
      `INSERT INTO signals (id, name, long_phrase, exit_phrase, source)
       VALUES (9, 'nine', 'GO', 'OUT', 'tv'), (2, 'two', NULL, NULL, NULL)`,
    );
    await db.query("INSERT INTO strategies (id, name) VALUES (5, 'five')");
    await db.query(
      `INSERT INTO strategies (id, name, enabled, archived, allow_open, reverse, use_all_tickers, handler, params, signal_age_ms_max, shadow, exits, exit_age_ms_max)
       VALUES (4, 'four', false, true, false, true, false, 'webhook', '{"secret": "BROKER_A"}', 1000, true, true, 0)`,
    );
    await db.query("INSERT INTO strategy_signals (strategy_id, signal_id) VALUES (5, 2), (4, 9), (4, 2)");
    await db.query("INSERT INTO strategy_tickers (strategy_id, symbol) VALUES (4, 'X'), (4, 'NOT A TICKER')");
    await db.query("INSERT INTO ticker_aliases VALUES ('XBT', 'a')");
    await db.query(
      `INSERT INTO webhook_sources (name, format, template) VALUES ('mine', 'json', '{"symbol": "{{s}}"}')`,
    );
    expect(await loadReferenceRows(db)).toStrictEqual({
      tickers: ["BTCUSDT", "ETHUSDT", "_", "a"].map((symbol) =>
        tickerRow(symbol, symbol === "a" ? { exchanges: ["BINANCE", "*"] } : {}),
      ),
      signals: [
        signalRow(2, { name: "two", long_phrase: null, short_phrase: null }),
        signalRow(9, { name: "nine", long_phrase: "GO", short_phrase: null, exit_phrase: "OUT" }),
      ],
      strategies: [
        strategyRow(4, {
          name: "four",
          enabled: false,
          archived: true,
          allow_open: false,
          reverse: true,
          use_all_tickers: false,
          handler: "webhook",
          params: { secret: "BROKER_A" },
          signal_age_ms_max: 1000,
          shadow: true,
          exits: true,
          exit_age_ms_max: 0,
        }),
        strategyRow(5, { name: "five" }),
      ],
      strategy_signals: [
        { strategy_id: 4, signal_id: 2 },
        { strategy_id: 4, signal_id: 9 },
        { strategy_id: 5, signal_id: 2 },
      ],
      strategy_tickers: [
        { strategy_id: 4, symbol: "NOT A TICKER" },
        { strategy_id: 4, symbol: "X" },
      ],
      ticker_aliases: [{ alias: "XBT", symbol: "a" }],
      webhook_sources: [
        { name: "mine", enabled: true, format: "json", template: { symbol: "{{s}}" }, uid: null },
      ],
    });
  });

  it("is read whatever stands in its rows, so that one of them does not hold up the others", async () => {
    await db.query("ALTER TABLE strategies DROP CONSTRAINT IF EXISTS strategies_params_check");
    await db.query(
      "INSERT INTO strategies (id, name, params) VALUES (1, 'fine', '{}'), (2, 'faulty', '[7]')",
    );
    const rows = await loadReferenceRows(db);
    expect(rows.strategies).toMatchObject([{ params: {} }, { params: [7] }]);
    const fault = { table: "strategies", row: "faulty (2)", column: "params", value: "a list" };
    expect(buildReference(rows).faults).toMatchObject([fault]);
  });

  it("may be in views with other types: bigint and numeric ids, json, and NULLs", async () => {
    const replaced = ["tickers", "strategies", "strategy_signals"];
    for (const table of replaced) await db.query(`ALTER TABLE ${table} RENAME TO own_${table}`);
    try {
      await db.query(
        `CREATE VIEW strategies AS SELECT * FROM (VALUES
           (1::bigint, 'one', true, false, '{"lots": 2}'::json),
           (2, 'two', NULL, false, '{}'),
           (3, 'three', true, false, '{"a": "\\u0000"}'),
           (9007199254740993, 'four', true, false, '{}')
         ) AS list (id, name, enabled, archived, params)
         CROSS JOIN (VALUES (true, false, true, 'log', 5000::numeric, false))
           AS same (allow_open, reverse, use_all_tickers, handler, signal_age_ms_max, shadow)`,
      );
      await db.query(
        "CREATE VIEW tickers AS SELECT 'BTC' AS symbol, NULL::text AS status, 'enabled' AS trade_permission",
      );
      await db.query(
        "CREATE VIEW strategy_signals AS SELECT 1::numeric AS strategy_id, 1::bigint AS signal_id",
      );
      await db.query("INSERT INTO signals (id, name, long_phrase) VALUES (1, 'one', 'GO')");
      const { content, faults, version } = buildReference(await loadReferenceRows(db));
      expect(faults.map(({ row, column, value }) => [row, column, value])).toEqual([
        ["BTC", "status", "NULL"],
        ["four (9007199254740992)", "id", "9007199254740992"],
        ["three (3)", "params", "an object that jsonb cannot hold"],
        ["two (2)", "enabled", "NULL"],
      ]);
      expect(content.strategies.get(1)).toMatchObject({ params: { lots: 2 }, signal_age_ms_max: 5000 });
      expect(content.strategies.get(1)).not.toHaveProperty("faults");
      expect(content.phrases.get("go")?.strategy_ids).toEqual([1]);
      await saveReferenceVersion(db, version, contentJson(content), new Date());
      expect(await loadReferenceVersion(db, version)).toEqual(content);
    } finally {
      for (const table of replaced) {
        await db.query(`DROP VIEW IF EXISTS ${table}`);
        await db.query(`ALTER TABLE own_${table} RENAME TO ${table}`);
      }
    }
  });

  it("loses the rows of a strategy that is deleted", async () => {
    await db.query("INSERT INTO strategies (id, name) VALUES (1, 'one')");
    await db.query("INSERT INTO signals (id, name) VALUES (1, 'one')");
    await db.query("INSERT INTO strategy_signals VALUES (1, 1)");
    await db.query("INSERT INTO strategy_tickers VALUES (1, 'X')");
    await db.query("DELETE FROM strategies");
    expect(await loadReferenceRows(db)).toMatchObject({
      strategy_signals: [],
      strategy_tickers: [],
      signals: [{ id: 1 }],
    });
  });

  it("does not replace the content of a version", async () => {
    const at = new Date("2026-01-02T03:04:05.678Z");
    await saveReferenceVersion(db, "v1", { tickers: [["A", 1]] }, at);
    await saveReferenceVersion(db, "v1", { other: true }, new Date());
    expect(await db.query("SELECT * FROM reference_snapshots")).toStrictEqual([
      { version: "v1", created_at: at, content: { tickers: [["A", 1]] } },
    ]);
  });
});
