-- Exits: signals that close positions, of both sides or of one.

ALTER TABLE signal_log
  ADD COLUMN side text CHECK (side IN ('long', 'short')),
  DROP CONSTRAINT signal_log_direction_check,
  -- NOT VALID: the rows of before fit what they were checked against, which was stricter.
  ADD CONSTRAINT signal_log_direction_check CHECK (direction IN ('long', 'short', 'flat')) NOT VALID;
