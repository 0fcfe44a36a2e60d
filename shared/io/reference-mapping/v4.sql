-- The five reference tables as views over the tables of the v4 system. `npm run migrate -- --reference v4` makes them; or make
-- them with psql, in the schema of the router's tables:
--   psql -1 -v source=public -v tickers=tickers_bb -c 'SET search_path TO router' -f v4.sql "$DATABASE_URL"
-- source: the schema of the old tables. tickers: the name of the table of tickers, tickers_bb or tickers_v4.
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
  SELECT id, name, long_phrase, short_phrase, source, enabled FROM :"source".signals_v4
) AS g;

CREATE VIEW strategies AS
SELECT
  s.id,
  CASE
    WHEN btrim(s.human_name) <> '' AND count(*) OVER (PARTITION BY btrim(s.human_name)) = 1
      THEN btrim(s.human_name)
    ELSE coalesce(nullif(btrim(s.name), ''), 'strategy') || ' #' || s.id
  END AS name,
  coalesce(s.enabled, false) AS enabled,
  coalesce(s.archived, true) AS archived,
  coalesce(s.allow_open, false) AS allow_open,
  coalesce(s.reverse, false) AS reverse,
  coalesce(s.use_all_tickers, false) AS use_all_tickers,
  'none'::text AS handler,
  '{}'::jsonb AS params,
  NULL::integer AS signal_age_ms_max,
  false AS shadow
FROM (VALUES (NULL::text, false, true, false, true))
  AS absent (human_name, archived, allow_open, reverse, use_all_tickers)
CROSS JOIN LATERAL (
  SELECT id, name, human_name, enabled, archived, allow_open, reverse, use_all_tickers
  FROM :"source".strategies_v4
) AS s;

CREATE VIEW strategy_signals AS
SELECT s.id AS strategy_id, s.signal_id
FROM :"source".strategies_v4 AS s
WHERE s.signal_id IS NOT NULL;

CREATE VIEW strategy_tickers AS
SELECT DISTINCT l.strategy_id, t.symbol
FROM :"source".strategy_tickers_v4 AS l
JOIN :"source".:"tickers" AS t ON t.id = l.ticker_id
WHERE l.enabled AND l.strategy_id IS NOT NULL;
