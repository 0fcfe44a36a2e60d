-- What the router expects of reference rows, as far as Postgres can check it. NOT VALID: a row that breaks it already
-- stays as it is (the router isolates and names it); from now on Postgres refuses to write such a row.
-- A table that is a view or another role's, lacks the column, or has the constraint already, is left as it is.

DO $$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT * FROM (VALUES
      ('tickers', 'tickers_symbol_check', 'symbol ~ ''\S'''),
      ('signals', 'signals_name_check', 'name ~ ''\S'''),
      ('strategies', 'strategies_name_check', 'name ~ ''\S'''),
      ('strategies', 'strategies_handler_check', 'handler ~ ''\S'''),
      ('strategies', 'strategies_params_check', 'jsonb_typeof(params) = ''object'''),
      ('strategies', 'strategies_signal_age_ms_max_check', 'signal_age_ms_max >= 0'),
      ('strategy_tickers', 'strategy_tickers_symbol_check', 'symbol ~ ''\S''')
    ) AS list (table_name, constraint_name, condition)
  LOOP
    BEGIN
      EXECUTE format(
        'ALTER TABLE %I ADD CONSTRAINT %I CHECK (%s) NOT VALID',
        wanted.table_name, wanted.constraint_name, wanted.condition
      );
    EXCEPTION WHEN syntax_error_or_access_rule_violation THEN
      RAISE NOTICE '% was not added to %: %', wanted.constraint_name, wanted.table_name, SQLERRM;
    END;
  END LOOP;
END $$;
