import { beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../../../shared/io/postgres/database.ts";
import { databaseKinds, migratedDatabase } from "./databases.ts";

const MIGRATIONS = [
  "003_reference_checks",
  "004_worker_reports",
  "005_reference_changes",
  "006_retries",
  "007_events_done",
  "008_exits",
  "009_router_tables",
  "010_exits",
];
const CHECKS = [
  ["tickers", "tickers_symbol_check"],
  ["signals", "signals_name_check"],
  ["strategies", "strategies_name_check"],
  ["strategies", "strategies_handler_check"],
  ["strategies", "strategies_params_check"],
  ["strategies", "strategies_signal_age_ms_max_check"],
  ["strategy_tickers", "strategy_tickers_symbol_check"],
] as const;
const COLUMNS = [
  ["tickers", "exchanges"],
  ["signals", "exit_phrase"],
  ["signals", "long_exit_phrase"],
  ["signals", "short_exit_phrase"],
  ["strategies", "exits"],
  ["strategies", "exit_age_ms_max"],
] as const;

/** The schema as it was before the migration, and before those after it, which would be out of order. */
async function takeBack(db: Database): Promise<void> {
  for (const [table, check] of CHECKS)
    await db.query(`ALTER TABLE IF EXISTS ${table} DROP CONSTRAINT IF EXISTS ${check}`);
  const key = "(shard, entry_id, invocation, strategy_id, stage)";
  // The key goes with its column.
  await db.query("ALTER TABLE signal_log_entries DROP COLUMN IF EXISTS part");
  await db.query("ALTER TABLE signal_log_entries DROP CONSTRAINT IF EXISTS signal_log_entries_pkey");
  await db.query(`ALTER TABLE signal_log_entries ADD PRIMARY KEY ${key}`);
  await db.query("DROP TABLE IF EXISTS reference_changes");
  await db.query("DROP INDEX IF EXISTS signal_log_entries_execution_at, invocations_retry_entry");
  for (const column of ["done_at", "done_by", "done_note"])
    await db.query(`ALTER TABLE system_log DROP COLUMN IF EXISTS ${column}`);
  await db.query("DROP INDEX IF EXISTS invocations_started_at");
  await db.query("ALTER TABLE signal_log DROP COLUMN IF EXISTS side");
  await db.query("DROP TABLE IF EXISTS ticker_aliases, webhook_sources");
  for (const [table, column] of COLUMNS)
    await db.query(`ALTER TABLE IF EXISTS ${table} DROP COLUMN IF EXISTS ${column}`);
  await db.query("DELETE FROM signal_router_migrations WHERE name >= $1", [MIGRATIONS[0]]);
}

describe.each(databaseKinds.filter(({ kind }) => kind !== "neon"))(
  "in a database of kind $kind",
  (database) => {
    const db = migratedDatabase(database);
    beforeEach(async () => {
      await takeBack(db);
      await db.query("TRUNCATE tickers, signals, strategies, strategy_signals, strategy_tickers");
    });

    it("the checks of reference rows are added over rows that break them, and Postgres refuses new ones", async () => {
      await db.query("INSERT INTO tickers (symbol) VALUES (' ')");
      await db.query("INSERT INTO signals (id, name) VALUES (1, ''), (2, 'two')");
      await db.query(
        `INSERT INTO strategies (id, name, handler, params, signal_age_ms_max)
       VALUES (1, '', '', '[]', -1), (2, 'two', 'log', '{}', 0)`,
      );
      await db.query("INSERT INTO strategy_tickers VALUES (2, '')");
      expect(await db.migrate()).toStrictEqual(MIGRATIONS);
      expect(await db.query("SELECT id FROM strategies ORDER BY id")).toStrictEqual([{ id: 1 }, { id: 2 }]);
      // A check that is validated reads the whole log while it is locked.
      expect(
        await db.query(
          "SELECT conname FROM pg_constraint WHERE conrelid = 'signal_log'::regclass AND NOT convalidated ORDER BY 1",
        ),
      ).toEqual([{ conname: "signal_log_direction_check" }, { conname: "signal_log_side_check" }]);
      for (const [statement, check] of [
        ["UPDATE strategies SET params = '[]' WHERE id = 2", "strategies_params_check"],
        ["UPDATE strategies SET params = 'null' WHERE id = 2", "strategies_params_check"],
        ["UPDATE strategies SET name = ' ' WHERE id = 2", "strategies_name_check"],
        ["UPDATE strategies SET handler = '' WHERE id = 2", "strategies_handler_check"],
        ["UPDATE strategies SET signal_age_ms_max = -1 WHERE id = 2", "strategies_signal_age_ms_max_check"],
        ["UPDATE signals SET name = '' WHERE id = 2", "signals_name_check"],
        ["UPDATE strategies SET exit_age_ms_max = -1 WHERE id = 2", "strategies_exit_age_ms_max_check"],
        ["INSERT INTO tickers (symbol) VALUES ('')", "tickers_symbol_check"],
        ["INSERT INTO strategy_tickers VALUES (2, ' ')", "strategy_tickers_symbol_check"],
      ] as const) {
        await expect(db.query(statement)).rejects.toThrow(check);
      }
      await db.query(
        "UPDATE strategies SET params = '{}', name = 'one', handler = 'log', signal_age_ms_max = NULL WHERE id = 1",
      );
    });

    it("a table that is a view, lacks a column, or has a check already, is left as it is", async () => {
      await db.query("ALTER TABLE strategies ADD CONSTRAINT strategies_name_check CHECK (length(name) < 9)");
      await db.query("ALTER TABLE strategies RENAME COLUMN handler TO other");
      await db.query("ALTER TABLE signals RENAME TO own_signals");
      await db.query("CREATE VIEW signals AS SELECT * FROM own_signals");
      await db.query("ALTER TABLE tickers RENAME TO own_tickers");
      try {
        await db.query("ALTER TABLE strategies ADD COLUMN exits boolean");
        expect(await db.migrate()).toStrictEqual(MIGRATIONS);
        await expect(db.query("SELECT exit_phrase FROM signals")).rejects.toThrow("exit_phrase");
        expect(await db.query("SELECT exits, exit_age_ms_max FROM strategies")).toEqual([]);
        await expect(db.query("INSERT INTO strategies (name) VALUES ('0123456789')")).rejects.toThrow(
          "name_check",
        );
        await expect(db.query("INSERT INTO strategies (name, params) VALUES ('a', '[]')")).rejects.toThrow(
          "strategies_params_check",
        );
        await db.query("INSERT INTO signals (name) VALUES ('')");
      } finally {
        await db.query("ALTER TABLE strategies RENAME COLUMN other TO handler");
        await db.query("DROP VIEW signals");
        await db.query("ALTER TABLE own_signals RENAME TO signals");
        await db.query("ALTER TABLE own_tickers RENAME TO tickers");
      }
    });
  },
);
