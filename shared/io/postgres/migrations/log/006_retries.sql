-- Failed runs are found, and run again. A task has one row of the stage `execution` for its first run, with an empty part, and one
-- for each retry, whose part is the id of the retry. The newest one is what the task came to.

-- NOT VALID: the rows of before fit what they were checked against, which was stricter.
ALTER TABLE signal_log_entries
  DROP CONSTRAINT signal_log_entries_part_check,
  ADD CONSTRAINT signal_log_entries_part_check CHECK (
    CASE stage
      WHEN 'routing' THEN part = ''
      WHEN 'execution' THEN true
      ELSE part <> ''
    END
  ) NOT VALID;

ALTER TABLE invocations
  DROP CONSTRAINT invocations_kind_check,
  ADD CONSTRAINT invocations_kind_check CHECK (kind IN ('replay', 'dead_letter', 'manual', 'retry')) NOT VALID;

-- Executions are listed by status, the newest first.
CREATE INDEX signal_log_entries_execution_at ON signal_log_entries (shard, status, at) WHERE stage = 'execution';
-- The retries of an entry.
CREATE INDEX invocations_retry_entry ON invocations ((selection ->> 'entry_id')) WHERE kind = 'retry';
