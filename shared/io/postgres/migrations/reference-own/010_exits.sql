-- Exits: the phrases that close positions, and the strategies that take them. Exchanges whose prefix a ticker's symbol may have;
-- '{*}': any.

ALTER TABLE tickers ADD COLUMN exchanges text[];

ALTER TABLE signals
  ADD COLUMN exit_phrase text,
  ADD COLUMN long_exit_phrase text,
  ADD COLUMN short_exit_phrase text;

ALTER TABLE strategies
  ADD COLUMN exits boolean NOT NULL DEFAULT false,
  ADD COLUMN exit_age_ms_max integer CHECK (exit_age_ms_max >= 0);
