-- Exits: the phrases that close positions, and the strategies that take them. Exchanges whose prefix a ticker's symbol may have;
-- '{*}': any.
-- A table that is a view or another role's, or has the column already, is left as it is: a column that is missing counts as its
-- default.

DO $$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT * FROM (VALUES
      ('tickers', 'exchanges', 'text[]'),
      ('signals', 'exit_phrase', 'text'),
      ('signals', 'long_exit_phrase', 'text'),
      ('signals', 'short_exit_phrase', 'text'),
      ('strategies', 'exits', 'boolean NOT NULL DEFAULT false'),
      ('strategies', 'exit_age_ms_max', 'integer CONSTRAINT strategies_exit_age_ms_max_check CHECK (exit_age_ms_max >= 0)')
    ) AS list (table_name, column_name, definition)
  LOOP
    BEGIN
      EXECUTE format('ALTER TABLE %I ADD COLUMN %I %s', wanted.table_name, wanted.column_name, wanted.definition);
    EXCEPTION WHEN syntax_error_or_access_rule_violation THEN
      RAISE NOTICE '%.% was not added: %', wanted.table_name, wanted.column_name, SQLERRM;
    END;
  END LOOP;
END $$;
