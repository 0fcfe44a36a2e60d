import { DatabaseError, type Database } from "../postgres/database.ts";

/** How an attempt ended after which there is another, as the log has it. */
export interface LoggedAttempt {
  readonly detail: Readonly<Record<string, unknown>>;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface AttemptsOf {
  readonly shard: string;
  /** Entries of `signals_stream` that the tasks are of. */
  readonly entryIds: readonly string[];
  /** `<task> <attempt>` each. */
  readonly parts: readonly string[];
}

/** Those of these attempts that are in the log, by `part`; none while Postgres is unavailable. */
export async function loggedAttempts(
  db: Database,
  { shard, entryIds, parts }: AttemptsOf,
): Promise<Map<string, LoggedAttempt>> {
  if (parts.length === 0) return new Map();
  try {
    const rows = await db.query<{ part: string; detail: LoggedAttempt["detail"]; at: Date }>(
      `SELECT part, detail, at FROM ${db.table("signal_log_entries")}
      WHERE shard = $1 AND entry_id = ANY (ARRAY(SELECT jsonb_array_elements_text($2::jsonb)))
        AND stage = 'attempt' AND part = ANY (ARRAY(SELECT jsonb_array_elements_text($3::jsonb)))`,
      [shard, JSON.stringify(entryIds), JSON.stringify(parts)],
    );
    return new Map(rows.map(({ part, detail, at }) => [part, { detail, at: at.getTime() }]));
  } catch (error) {
    if (error instanceof DatabaseError && error.kind === "unavailable") return new Map();
    throw error;
  }
}
