-- What the router keeps about the reference itself, whoever maintains the tickers, signals and strategies.

-- Other spellings of tickers. No foreign key: tickers may be a view, and a symbol may be listed before its ticker exists.
CREATE TABLE ticker_aliases (
  alias text PRIMARY KEY CHECK (alias ~ '\S'),
  symbol text NOT NULL CHECK (symbol ~ '\S')
);

-- How the bodies of one sender become signals.
CREATE TABLE webhook_sources (
  name text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9-]*$'),
  enabled boolean NOT NULL DEFAULT true,
  format text NOT NULL CHECK (format IN ('json', 'text', 'form')),
  template jsonb NOT NULL CHECK (jsonb_typeof(template) = 'object'),
  uid text
);
