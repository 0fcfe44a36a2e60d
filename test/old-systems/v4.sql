-- A database of the v4 system, with rows of every kind. Columns as its services read and write them.

CREATE TABLE tickers_bb (
  id serial PRIMARY KEY,
  symbol varchar(32) UNIQUE,
  status varchar(16),
  tradepermission varchar(16),
  is_active boolean,
  precision_price integer,
  precision_qty integer,
  min_qty numeric,
  created_at timestamp DEFAULT now()
);
INSERT INTO tickers_bb (id, symbol, status, tradepermission, is_active) VALUES
  (1, 'BTCUSDT', 'enabled', 'enabled', true),
  (2, 'ETHUSDT', 'enabled', 'enabled', NULL),
  (3, 'OFFUSDT', 'disabled', 'enabled', true),
  (4, 'NULUSDT', NULL, 'enabled', true),
  (5, 'NOTUSDT', 'enabled', 'disabled', true),
  (6, 'NOPUSDT', 'enabled', NULL, true),
  (7, 'INAUSDT', 'enabled', 'enabled', false),
  (8, 'lowusdt', 'enabled', 'enabled', true),
  (9, 'ODDUSDT', 'halted', 'enabled', true),
  (10, NULL, 'enabled', 'enabled', true);

CREATE TABLE signals_v4 (
  id serial PRIMARY KEY,
  name varchar(100),
  long_phrase text,
  short_phrase text,
  timeframe varchar(10),
  source varchar(50),
  rule text,
  description text,
  enabled boolean,
  created_at timestamp DEFAULT now()
);
INSERT INTO signals_v4 (id, name, long_phrase, short_phrase, source, enabled) VALUES
  (1, 'EMA', 'EMA_LONG', 'EMA_SHORT', 'tradingview', true),
  (2, 'Only long', 'ONLY_LONG', '', NULL, true),
  (3, 'Only short', NULL, 'ONLY_SHORT', 'indicator', true),
  (4, 'EMA copy', 'EMA_LONG', 'COPY_SHORT', 'tradingview', true),
  (5, 'Contrary', 'CONTRARY_LONG', 'ONLY_LONG', 'tradingview', true),
  (6, 'Off', 'OFF_LONG', 'OFF_SHORT', 'tradingview', false),
  (7, 'Nothing said', 'NULL_LONG', NULL, 'tradingview', NULL),
  (8, 'Lower', 'lower_long', 'LOWER_SHORT', 'tradingview', true),
  (9, 'Twice', 'TWICE_A', '', 'tradingview', true),
  (10, 'Twice', 'TWICE_B', '', 'tradingview', true),
  (11, '', 'NAMELESS_LONG', '', 'tradingview', true),
  (12, 'Mute', '', NULL, 'tradingview', true),
  (13, 'Unused', 'UNUSED_LONG', '', 'tradingview', true);

CREATE TABLE strategies_v4 (
  id serial PRIMARY KEY,
  name varchar(100),
  human_name varchar(100),
  description text,
  signal_id integer REFERENCES signals_v4 (id),
  enabled boolean,
  reverse boolean,
  archived boolean,
  use_all_tickers boolean,
  allow_open boolean,
  timeframe varchar(10),
  deposit numeric,
  position_limit integer,
  leverage integer,
  max_risk numeric,
  sl_percent numeric,
  market_watcher boolean,
  deathrow boolean
);
INSERT INTO strategies_v4
  (id, name, human_name, signal_id, enabled, reverse, archived, use_all_tickers, allow_open, deathrow)
VALUES
  (1, 'ema_1', 'Trend follower', 1, true, false, false, true, true, false),
  (2, 'ema_2', 'Twin', 1, true, true, false, true, false, NULL),
  (3, 'ema_3', 'Twin', 1, true, false, false, false, true, false),
  (4, 'ema_4', '', 1, true, false, false, true, true, true),
  (5, 'ema_5', NULL, 1, NULL, false, false, true, true, false),
  (6, 'ema_6', 'Retired', 1, true, false, true, true, true, false),
  (7, 'ema_7', 'Archive unknown', 1, true, false, NULL, true, true, false),
  (8, 'ema_8', 'Opens nothing', 1, true, NULL, false, true, NULL, false),
  (9, 'ema_9', 'Tickers unknown', 1, true, false, false, NULL, true, false),
  (10, 'ema_10', 'Off', 1, false, false, false, true, true, false),
  (11, 'copy_1', 'Copycat', 4, true, false, false, true, true, false),
  (12, 'only_1', 'Long only', 2, true, false, false, true, true, false),
  (13, 'only_2', 'Short only', 3, true, false, false, true, true, false),
  (14, 'contrary_1', 'Contrary', 5, true, false, false, true, true, false),
  (15, 'off_1', 'Of a signal that is off', 6, true, false, false, true, true, false),
  (16, 'null_1', 'Of a signal with NULL', 7, true, false, false, true, true, false),
  (17, 'lower_1', 'In lower case', 8, true, false, false, true, true, false),
  (18, 'none_1', 'Without a signal', NULL, true, false, false, true, true, false),
  (19, 'twice_1', 'Twice', 9, true, false, false, true, true, false),
  (20, NULL, NULL, 11, true, false, false, true, true, false);

CREATE TABLE strategy_tickers_v4 (
  id serial PRIMARY KEY,
  strategy_id integer REFERENCES strategies_v4 (id),
  ticker_id integer REFERENCES tickers_bb (id),
  enabled boolean
);
INSERT INTO strategy_tickers_v4 (strategy_id, ticker_id, enabled) VALUES
  (3, 2, true), (3, 1, false), (3, 8, true), (3, 8, true), (9, 1, NULL), (1, 2, true);

CREATE TABLE signals_v4_log (
  id serial PRIMARY KEY,
  signal_id integer,
  symbol varchar(32),
  direction varchar(10),
  source varchar(50),
  message text,
  raw_message text,
  bar_time timestamp,
  sent_at timestamp,
  received_at timestamp,
  logged_at timestamp DEFAULT now(),
  status varchar(20),
  uid varchar(64) UNIQUE
);
INSERT INTO signals_v4_log
  (signal_id, symbol, direction, source, message, raw_message, bar_time, sent_at, received_at, logged_at, status, uid)
VALUES
  (1, 'BTCUSDT', 'long', 'tradingview', 'EMA_LONG', '{"message": "EMA_LONG", "symbol": "BTCUSDT", "strategies": [1, 2]}',
   '2026-11-29 10:55:00', '2026-11-29 11:00:00', '2026-11-29 11:00:00.123456', '2026-11-29 11:00:01', 'dispatched', 'old-1'),
  (3, 'ETHUSDT', 'short', NULL, 'ONLY_SHORT', '{"message": "ONLY_SHORT", "symbol": "ETHUSDT", "strategies": []}',
   '2026-11-29 11:55:00', NULL, '2026-11-29 12:00:00', '2026-11-29 12:00:01', 'ignored', 'old-2');

CREATE TABLE signal_log_entries_v4 (
  id serial PRIMARY KEY,
  log_uid text,
  strategy_id integer,
  status varchar(20),
  note text,
  position_uid text,
  logged_at timestamp DEFAULT now()
);
INSERT INTO signal_log_entries_v4 (log_uid, strategy_id, status, note, position_uid) VALUES
  ('old-1', 1, 'opened', NULL, 'position-1'), ('old-1', 2, 'skip', 'nothing to reverse', NULL);
