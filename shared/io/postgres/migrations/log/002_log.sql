-- The log of decisions and outcomes. No foreign keys to the reference tables: a strategy can be deleted without
-- deleting its history.

CREATE TABLE signal_log (
  shard text NOT NULL,
  entry_id text NOT NULL,
  invocation text NOT NULL,
  uid text,
  status text NOT NULL CHECK (status IN ('dispatched', 'ignored', 'duplicate', 'rejected')),
  reason text,
  detail jsonb NOT NULL DEFAULT '{}',
  signal_id integer,
  direction text CHECK (direction IN ('long', 'short')),
  symbol text,
  message text,
  source text,
  raw jsonb NOT NULL,
  bar_time timestamptz,
  sent_at timestamptz,
  received_at timestamptz NOT NULL,
  decided_at timestamptz NOT NULL,
  snapshot text NOT NULL,
  duplicate_of text,
  logged_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (shard, entry_id, invocation)
);

-- Signals are looked up by uid, by time, and by symbol and time. Each index makes every insert slower.
CREATE INDEX signal_log_uid ON signal_log (uid);
CREATE INDEX signal_log_decided_at ON signal_log (decided_at);
CREATE INDEX signal_log_symbol_decided_at ON signal_log (symbol, decided_at);

CREATE TABLE signal_log_entries (
  shard text NOT NULL,
  entry_id text NOT NULL,
  invocation text NOT NULL,
  strategy_id integer NOT NULL,
  stage text NOT NULL CHECK (stage IN ('routing', 'execution')),
  status text NOT NULL,
  reason text,
  detail jsonb NOT NULL DEFAULT '{}',
  attempt integer,
  duration_ms integer,
  at timestamptz NOT NULL,
  logged_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (shard, entry_id, invocation, strategy_id, stage),
  CONSTRAINT signal_log_entries_status_check CHECK (
    CASE stage
      WHEN 'routing' THEN status IN ('dispatched', 'ignored', 'shadow')
      ELSE status IN ('executed', 'ignored', 'failed', 'delegated')
    END
  )
);

CREATE INDEX signal_log_entries_strategy_id_at ON signal_log_entries (strategy_id, at);

CREATE TABLE invocations (
  id text PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('replay', 'dead_letter', 'manual')),
  mode text,
  snapshot text,
  requested_by text,
  reason text,
  selection jsonb NOT NULL DEFAULT '{}',
  started_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  counts jsonb
);

CREATE TABLE system_log (
  event_id uuid PRIMARY KEY,
  at timestamptz NOT NULL,
  level text NOT NULL CHECK (level IN ('DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL')),
  source text NOT NULL,
  message text NOT NULL,
  details jsonb NOT NULL DEFAULT '{}',
  action_flag boolean NOT NULL DEFAULT false
);

CREATE INDEX system_log_at ON system_log (at);

-- Every version of the reference that was ever current. In installations from before, migration 001 has made it.
CREATE TABLE reference_snapshots (
  version text PRIMARY KEY,
  created_at timestamptz NOT NULL,
  content jsonb NOT NULL
);
