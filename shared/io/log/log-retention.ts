import { DatabaseError, type Database } from "../postgres/database.ts";
import type { NameTable } from "../postgres/table-names.ts";

/** Removes old rows from the log. */
export interface LogRetention {
  /** Removes rows whose own time is before `before`, some thousands at most; call it until it removes none. */
  step(table: LogTable, before: Date): Promise<RetentionAnswer>;
}

/** The tables of the log. */
export type LogTable = "signal_log" | "signal_log_entries" | "system_log";

export type RetentionAnswer =
  | { readonly status: "removed"; readonly rows: number }
  | { readonly status: "unavailable"; readonly error: string };

/** Enough to be fast, few enough not to block other statements by locks or, embedded, by using the only connection. */
const STEP_ROWS_MAX = 5_000;

/**
 * Old rows of each table, found through an index that exists for other queries. `signal_log_entries` is indexed by
 * (strategy_id, at), so the query goes from strategy to strategy and reads the old rows of each. While a table has no
 * statistics, as in the embedded database, Postgres would read all of it (1.2 s instead of 6 ms at 800,000 rows):
 * `shard || ''` keeps it from using the primary key, and a lower bound makes it expect few rows.
 */
const oldRowsOf = (table: NameTable) =>
  ({
    signal_log: `
    SELECT ctid FROM ${table("signal_log")}
    WHERE decided_at > '-infinity' AND decided_at < $1 AND shard || '' = $3 ORDER BY decided_at LIMIT $2`,
    signal_log_entries: `
    WITH RECURSIVE strategy (id) AS (
      SELECT min(strategy_id) FROM ${table("signal_log_entries")}
      UNION ALL
      SELECT (SELECT min(strategy_id) FROM ${table("signal_log_entries")} WHERE strategy_id > strategy.id)
      FROM strategy WHERE strategy.id IS NOT NULL
    )
    SELECT old.ctid FROM strategy, LATERAL (
      SELECT ctid FROM ${table("signal_log_entries")}
      WHERE strategy_id = strategy.id AND at < $1 AND shard || '' = $3 LIMIT $2
    ) old LIMIT $2`,
    system_log: `
    SELECT ctid FROM ${table("system_log")} WHERE at > '-infinity' AND at < $1 ORDER BY at LIMIT $2`,
  }) satisfies Record<LogTable, string>;

/** Retention for the log of one shard; operational events belong to all shards of the database together. */
export function logRetentionOn(
  db: Database,
  shard: string,
  { stepRowsMax = STEP_ROWS_MAX }: { readonly stepRowsMax?: number } = {},
): LogRetention {
  const oldRows = oldRowsOf(db.table);
  return {
    async step(table, before) {
      const statement = `
        WITH removed AS (DELETE FROM ${db.table(table)} WHERE ctid = ANY (ARRAY(${oldRows[table]})) RETURNING 1)
        SELECT count(*) AS rows FROM removed`;
      try {
        const [answer] = await db.query<{ rows: number }>(statement, [
          before.toISOString(),
          stepRowsMax,
          ...(table === "system_log" ? [] : [shard]),
        ]);
        return { status: "removed", rows: answer?.rows ?? 0 };
      } catch (error) {
        if (!(error instanceof DatabaseError)) throw error;
        return { status: "unavailable", error: error.message };
      }
    },
  };
}
