-- Rows beside the one that a task came to: its attempts, and what workers report. `part` is what brought such a row, so that a
-- repeated delivery is the same row; '' for `routing` and `execution`, of which there is one.

ALTER TABLE signal_log_entries ADD COLUMN part text NOT NULL DEFAULT '';

ALTER TABLE signal_log_entries
  DROP CONSTRAINT signal_log_entries_pkey,
  ADD PRIMARY KEY (shard, entry_id, invocation, strategy_id, stage, part);

-- NOT VALID: the rows of before fit what they were checked against, which was stricter.
ALTER TABLE signal_log_entries
  DROP CONSTRAINT signal_log_entries_stage_check,
  DROP CONSTRAINT signal_log_entries_status_check,
  ADD CONSTRAINT signal_log_entries_stage_check
    CHECK (stage IN ('routing', 'execution', 'attempt', 'report')) NOT VALID,
  ADD CONSTRAINT signal_log_entries_status_check CHECK (
    CASE stage
      WHEN 'routing' THEN status IN ('dispatched', 'ignored', 'shadow')
      WHEN 'execution' THEN status IN ('executed', 'ignored', 'failed', 'delegated')
      WHEN 'attempt' THEN status = 'failed'
      ELSE status <> ''
    END
  ) NOT VALID,
  ADD CONSTRAINT signal_log_entries_part_check
    CHECK ((part = '') = (stage IN ('routing', 'execution'))) NOT VALID;
