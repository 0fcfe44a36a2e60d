-- Exits: signals that close positions, of both sides or of one.

ALTER TABLE signal_log
  ADD COLUMN side text,
  -- NOT VALID: the rows of before fit, and reading all of them would keep the log waiting.
  ADD CONSTRAINT signal_log_side_check CHECK (side IN ('long', 'short')) NOT VALID,
  DROP CONSTRAINT signal_log_direction_check,
  ADD CONSTRAINT signal_log_direction_check CHECK (direction IN ('long', 'short', 'flat')) NOT VALID;
