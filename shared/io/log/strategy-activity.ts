import type { Database } from "../postgres/database.ts";

/** What each strategy last did, as far as its newest rows in the log of one shard show it. */

export interface StrategyActivity {
  readonly strategyId: number;
  /** Null: none among its newest rows. */
  readonly dispatched: { readonly at: string; readonly entryId: string } | null;
  readonly ended: {
    readonly at: string;
    readonly entryId: string;
    readonly status: string;
    readonly reason: string | null;
  } | null;
}

/**
 * Rows of one strategy that are looked at, of all shards: neither a strategy that ignores nearly everything nor a shard without
 * rows may cost a scan of the log.
 */
const ROWS_MAX = 500;

/** @throws DatabaseError */
export async function readActivity(
  db: Database,
  shard: string,
  strategyIds: readonly number[],
): Promise<StrategyActivity[]> {
  const newest = `SELECT * FROM ${db.table("signal_log_entries")} e
    WHERE e.strategy_id = strategy.id ORDER BY e.at DESC LIMIT ${ROWS_MAX}`;
  const rows = await db.query<ActivityRow>(
    `SELECT strategy.id, dispatched.at AS dispatched_at, dispatched.entry_id AS dispatched_entry,
      ended.at AS ended_at, ended.entry_id AS ended_entry, ended.status, ended.reason
    FROM (SELECT value::integer AS id FROM jsonb_array_elements_text($2::jsonb) AS asked (value)) strategy
    LEFT JOIN LATERAL (
      SELECT * FROM (${newest}) recent
      WHERE shard = $1 AND stage = 'routing' AND status = 'dispatched' ORDER BY at DESC LIMIT 1
    ) dispatched ON true
    LEFT JOIN LATERAL (
      SELECT * FROM (${newest}) recent
      WHERE shard = $1 AND stage = 'execution' ORDER BY at DESC LIMIT 1
    ) ended ON true`,
    [shard, JSON.stringify(strategyIds)],
  );
  return rows.map((row) => ({
    strategyId: row.id,
    dispatched:
      row.dispatched_at === null
        ? null
        : { at: row.dispatched_at.toISOString(), entryId: row.dispatched_entry ?? "" },
    ended:
      row.ended_at === null
        ? null
        : {
            at: row.ended_at.toISOString(),
            entryId: row.ended_entry ?? "",
            status: row.status ?? "",
            reason: row.reason,
          },
  }));
}

interface ActivityRow {
  readonly id: number;
  readonly dispatched_at: Date | null;
  readonly dispatched_entry: string | null;
  readonly ended_at: Date | null;
  readonly ended_entry: string | null;
  readonly status: string | null;
  readonly reason: string | null;
}
