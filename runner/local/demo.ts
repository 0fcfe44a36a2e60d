import type { Database } from "../../shared/io/postgres/database.ts";
import type { NameTable } from "../../shared/io/postgres/table-names.ts";

/**
 * A small reference to try the router: `EMA_CROSS_LONG` on BTCUSDT is dispatched to two strategies and not to five, each
 * for another reason; SOLUSDT and XRPUSDT are ignored. One statement inserts all of it or nothing.
 */
const insertDemo = (table: NameTable): string => `
WITH vacant AS (
  SELECT 1
  WHERE NOT EXISTS (SELECT FROM ${table("tickers")})
    AND NOT EXISTS (SELECT FROM ${table("signals")})
    AND NOT EXISTS (SELECT FROM ${table("strategies")})
),
new_tickers AS (
  INSERT INTO ${table("tickers")} (symbol, status, trade_permission)
  SELECT v.* FROM vacant, (VALUES
    ('BTCUSDT', 'enabled',  'enabled'),
    ('ETHUSDT', 'enabled',  'enabled'),
    ('SOLUSDT', 'enabled',  'disabled'),
    ('XRPUSDT', 'disabled', 'enabled')
  ) AS v
),
new_signals AS (
  INSERT INTO ${table("signals")} (name, long_phrase, short_phrase, source, enabled)
  SELECT v.* FROM vacant, (VALUES
    ('EMA cross', 'EMA_CROSS_LONG', 'EMA_CROSS_SHORT', 'tradingview', true),
    ('RSI turn',  'RSI_OVERSOLD',   'RSI_OVERBOUGHT',  'indicators',  true),
    ('Breakout',  'BREAKOUT_UP',    'BREAKOUT_DOWN',   'tradingview', false)
  ) AS v
  RETURNING id, name
),
new_strategies AS (
  INSERT INTO ${table("strategies")} (name, enabled, archived, allow_open, reverse, use_all_tickers, shadow)
  SELECT v.* FROM vacant, (VALUES
    -- name              enabled archived allow_open reverse all_tickers shadow
    ('Trend follower',   true,   false,   true,      false,  true,       false),
    ('Trend reverser',   true,   false,   false,     true,   true,       false),
    ('Ether only',       true,   false,   true,      false,  false,      false),
    ('Opens nothing',    true,   false,   false,     false,  true,       false),
    ('Paper trader',     true,   false,   true,      false,  true,       true),
    ('Switched off',     false,  false,   true,      false,  true,       false),
    ('Retired',          true,   true,    true,      false,  true,       false)
  ) AS v
  RETURNING id, name
),
new_strategy_tickers AS (
  INSERT INTO ${table("strategy_tickers")} (strategy_id, symbol)
  SELECT id, 'ETHUSDT' FROM new_strategies WHERE name = 'Ether only'
),
new_strategy_signals AS (
  INSERT INTO ${table("strategy_signals")} (strategy_id, signal_id)
  SELECT strategy.id, signal.id
  FROM new_strategies AS strategy, new_signals AS signal
  WHERE signal.name = 'EMA cross' OR strategy.name IN ('Trend follower', 'Paper trader')
)
SELECT count(*)::int AS strategies FROM new_strategies`;

/** Loads the demo if tickers, signals and strategies are all empty; true when it did. @throws DatabaseError */
export async function loadDemoReference(db: Database): Promise<boolean> {
  const [row] = await db.query<{ strategies: number }>(insertDemo(db.table));
  return (row?.strategies ?? 0) > 0;
}

/** Whether the strategies are those of the demo, and none does more than log: only then no signal can trade. @throws DatabaseError */
export async function isDemoReference(db: Database): Promise<boolean> {
  const [row] = await db.query<{ demo: boolean }>(
    `SELECT count(*) > 0 AND bool_and(handler = 'log' AND name IN (
       'Trend follower', 'Trend reverser', 'Ether only', 'Opens nothing', 'Paper trader', 'Switched off', 'Retired'
     )) AS demo FROM ${db.table("strategies")}`,
  );
  return row?.demo === true;
}
