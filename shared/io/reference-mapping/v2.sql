-- The five reference tables as views over the tables of the v2 system. `npm run migrate -- --reference v2` makes them; or make
-- them with psql, in the schema of the router's tables, which cannot be that of the old ones:
--   psql -1 -v source=public -v tickers=tickers -c 'SET search_path TO router' -f v2.sql "$DATABASE_URL"
-- source: the schema of the old tables. tickers: the name of the table of tickers.
--
-- NULL in a switch counts as what trades least. A column that an older installation does not have is taken from "absent".

CREATE VIEW tickers AS
SELECT
  t.symbol,
  coalesce(t.status::text, 'disabled') AS status,
  coalesce(t.tradepermission::text, 'disabled') AS trade_permission
FROM :"source".:"tickers" AS t;

CREATE VIEW signals AS
SELECT
  g.id,
  CASE
    WHEN btrim(g.name) <> '' AND count(*) OVER (PARTITION BY btrim(g.name)) = 1 THEN btrim(g.name)
    ELSE coalesce(nullif(btrim(g.name), ''), 'signal') || ' #' || g.id
  END AS name,
  nullif(g.long_phrase, '') AS long_phrase,
  nullif(g.short_phrase, '') AS short_phrase,
  g.source,
  coalesce(g.enabled, false) AS enabled
FROM (VALUES (NULL::text)) AS absent (source)
CROSS JOIN LATERAL (
  SELECT id, name, long_phrase, short_phrase, source, enabled FROM :"source".signals_v2
) AS g;

-- Which tickers a strategy trades, and what it does about reversing, is the business of v2's workers, as before.
CREATE VIEW strategies AS
SELECT
  s.id,
  CASE
    WHEN btrim(s.name) <> '' AND count(*) OVER (PARTITION BY btrim(s.name)) = 1 THEN btrim(s.name)
    ELSE coalesce(nullif(btrim(s.name), ''), 'strategy') || ' #' || s.id
  END AS name,
  coalesce(s.enabled, false) AS enabled,
  coalesce(s.archived, true) AS archived,
  coalesce(s.allow_open, false) AS allow_open,
  false AS reverse,
  true AS use_all_tickers,
  'none'::text AS handler,
  '{}'::jsonb AS params,
  NULL::integer AS signal_age_ms_max,
  false AS shadow
FROM (VALUES (false, true)) AS absent (archived, allow_open)
CROSS JOIN LATERAL (SELECT id, name, enabled, archived, allow_open FROM :"source".strategies_v2) AS s;

-- A strategy gets a signal once, whatever its roles are: also with the role exit, as before.
CREATE VIEW strategy_signals AS
SELECT DISTINCT l.strategy_id, l.signal_id
FROM :"source".strategy_signals_v2 AS l
WHERE l.strategy_id IS NOT NULL AND l.signal_id IS NOT NULL;

CREATE VIEW strategy_tickers AS
SELECT DISTINCT l.strategy_id, t.symbol
FROM :"source".strategy_tickers_v2 AS l
JOIN :"source".:"tickers" AS t ON t.id = l.ticker_id
WHERE l.enabled AND l.strategy_id IS NOT NULL;
