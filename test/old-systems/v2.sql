-- A database of the v2 system, with rows of every kind, and the tables of v1 beside it, which have six of the router's names.

CREATE TABLE tickers (
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
INSERT INTO tickers (id, symbol, status, tradepermission, is_active) VALUES
  (1, 'BTCUSDT', 'enabled', 'enabled', true),
  (2, 'ETHUSDT', 'enabled', 'enabled', true),
  (3, 'OFFUSDT', 'disabled', 'enabled', true),
  (4, 'NULUSDT', 'enabled', NULL, true);

CREATE TABLE signals_v2 (
  id serial PRIMARY KEY,
  name varchar(100),
  signal_type varchar(20),
  long_phrase text,
  short_phrase text,
  source varchar(50),
  enabled boolean,
  description text,
  created_at timestamp DEFAULT now()
);
INSERT INTO signals_v2 (id, name, signal_type, long_phrase, short_phrase, source, enabled) VALUES
  (1, 'EMA', 'trend', 'EMA_LONG', 'EMA_SHORT', 'tradingview', true),
  (2, 'Exit', 'exit', 'EXIT_LONG', '', 'tradingview', true),
  (3, 'Both roles', 'trend', 'BOTH_LONG', NULL, 'tradingview', true),
  (4, 'Off', 'trend', 'OFF_LONG', '', 'tradingview', NULL),
  (5, 'EMA', 'trend', 'EMA_2_LONG', '', NULL, true);

CREATE TABLE strategies_v2 (
  id serial PRIMARY KEY,
  name varchar(100),
  description text,
  reverse boolean,
  use_all_tickers boolean,
  allow_open boolean,
  enabled boolean,
  archived boolean,
  timeframe varchar(10),
  created_at timestamp DEFAULT now()
);
INSERT INTO strategies_v2 (id, name, reverse, use_all_tickers, allow_open, enabled, archived) VALUES
  (1, 'Trend', false, true, true, true, false),
  (2, 'Trend', false, true, true, true, false),
  (3, 'Limited', false, false, true, true, false),
  (4, 'Reverser', true, true, false, true, false),
  (5, 'NULLs', NULL, NULL, NULL, NULL, NULL),
  (6, 'Archived', false, true, true, true, true),
  (7, 'Exits', false, true, true, true, false);

CREATE TABLE strategy_signals_v2 (
  id serial PRIMARY KEY,
  strategy_id integer REFERENCES strategies_v2 (id),
  signal_id integer REFERENCES signals_v2 (id),
  role varchar(20)
);
INSERT INTO strategy_signals_v2 (strategy_id, signal_id, role) VALUES
  (1, 1, 'action'), (2, 1, 'action'), (3, 1, 'action'), (4, 1, 'action'), (5, 1, 'action'), (6, 1, 'action'),
  (7, 2, 'exit'), (1, 3, 'action'), (1, 3, 'exit'), (1, 4, 'action'), (2, 5, NULL), (NULL, 1, 'action');

CREATE TABLE strategy_tickers_v2 (
  id serial PRIMARY KEY,
  strategy_id integer REFERENCES strategies_v2 (id),
  ticker_id integer REFERENCES tickers (id),
  enabled boolean
);
INSERT INTO strategy_tickers_v2 (strategy_id, ticker_id, enabled) VALUES (3, 2, true), (3, 1, false);

CREATE TABLE signals_v2_log (
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

-- v1, which shares the table tickers with v2.

CREATE TABLE signals (id serial PRIMARY KEY, phrase text, direction varchar(10), enabled boolean);
INSERT INTO signals (phrase, direction, enabled) VALUES ('OLD_LONG', 'long', true);

CREATE TABLE strategies (id serial PRIMARY KEY, name text, enabled boolean);
INSERT INTO strategies (name, enabled) VALUES ('Of v1', true);

CREATE TABLE strategy_signals (id serial PRIMARY KEY, strategy_id integer, signal_id integer);
INSERT INTO strategy_signals (strategy_id, signal_id) VALUES (1, 1);

CREATE TABLE strategy_tickers (id serial PRIMARY KEY, strategy_id integer, ticker_id integer);

CREATE TABLE signal_logs (id serial PRIMARY KEY, phrase text, symbol text, logged_at timestamp DEFAULT now());

CREATE TABLE signal_log_entries (id serial PRIMARY KEY, log_id integer, strategy_id integer, status text);
INSERT INTO signal_log_entries (log_id, strategy_id, status) VALUES (1, 1, 'opened');
