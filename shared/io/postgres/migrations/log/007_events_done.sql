-- A person marks an event that asked for action as done. Events are written with ON CONFLICT DO NOTHING, so a repeated write keeps it.

ALTER TABLE system_log ADD COLUMN done_at timestamptz, ADD COLUMN done_by text, ADD COLUMN done_note text;

-- What is still to be done is asked for by every page that shows trouble.
CREATE INDEX system_log_to_do ON system_log (at) WHERE action_flag AND done_at IS NULL;

CREATE INDEX invocations_started_at ON invocations (started_at);
