import type { LogRows, SignalRow } from "../../log-rows.ts";
import type { SignalStatus } from "../../reasons.ts";
import { DatabaseError, type Database } from "../postgres/database.ts";
import { columnsJson, rowsQuery } from "../postgres/insert-statement.ts";
import type { LogAnswer, LogConflict, LogStore } from "./log-store.ts";
import {
  DECISION,
  ENTRY,
  EVENT,
  eventRow,
  executionRow,
  INVOCATION,
  ROUTED,
  routedRows,
  SIGNAL,
  signalRow,
} from "./log-tables.ts";

/** A row that one statement finds there and the next one does not is rare; another round is enough. */
const ROUNDS_MAX = 10;

const signalNames = Object.keys(SIGNAL).join(", ");
const entryNames = Object.keys(ENTRY).join(", ");
const invocationNames = Object.keys(INVOCATION).join(", ");
/** An element of an array that is null is jsonb's null, not NULL. */
const invocationValues = invocationNames.replace(/counts$/, "NULLIF(counts, 'null')");
const eventNames = Object.keys(EVENT).join(", ");

/** Stores what was decided for the strategies of the signals that a query gives. */
const insertRouted = (decided: string): string => `
  INSERT INTO signal_log_entries (shard, entry_id, invocation, stage, at, strategy_id, status, reason, detail)
  SELECT $1, decided.entry_id, decided.invocation, 'routing', decided.decided_at,
    outcome.strategy_id, outcome.status, outcome.reason, outcome.detail
  FROM (${rowsQuery(ROUTED, "$3")}) outcome JOIN (${decided}) decided ON decided.number = outcome.signal
  ON CONFLICT DO NOTHING`;

/**
 * Inserts signals that are not there yet, with what was decided for their strategies, and counts the signals. As
 * one statement it took Postgres 11 % less time than as one per table with the key in every row. Only what was decided
 * with the row that went in goes with it: of two decisions on one entry the first, hence `number`. In the order of keys, so
 * that two writers cannot block each other. Both together cost Postgres 1.5 %.
 */
const INSERT_SIGNALS = `
  WITH given AS MATERIALIZED (${rowsQuery(SIGNAL, "$2")}),
  inserted AS (
    INSERT INTO signal_log (shard, ${signalNames}) SELECT $1, ${signalNames} FROM given
    ORDER BY entry_id, invocation, number
    ON CONFLICT DO NOTHING RETURNING entry_id, invocation, uid, status
  ),
  routed AS (${insertRouted(`
    SELECT given.* FROM given JOIN inserted USING (entry_id, invocation, status)
    WHERE inserted.uid IS NOT DISTINCT FROM given.uid`)}
  )
  SELECT count(*) AS count FROM inserted`;

/**
 * Finds those signals whose row has another uid or status. `hidden`: there is no row, though there was one a moment ago. The
 * others get what was decided for their strategies: earlier versions stored it after the row, and may have been stopped.
 * The LIMIT makes it look up row by row: a plain join reads the whole shard as long as the table has no statistics.
 */
const SETTLE_STORED = `
  WITH given AS MATERIALIZED (
    SELECT given.*, stored.uid AS stored_uid, stored.status AS stored_status, stored.entry_id IS NULL AS hidden,
      (stored.uid, stored.status) IS NOT DISTINCT FROM (given.uid, given.status) AS same
    FROM (${rowsQuery(DECISION, "$2")}) given LEFT JOIN LATERAL (
      SELECT * FROM signal_log log
      WHERE log.shard = $1 AND log.entry_id = given.entry_id AND log.invocation = given.invocation LIMIT 1
    ) stored ON true
  ),
  routed AS (${insertRouted("SELECT * FROM given WHERE same")}
  )
  SELECT entry_id, invocation, stored_uid, stored_status, hidden FROM given WHERE NOT same`;

/** A worker's report takes the place of `delegated`, in whatever order they come; otherwise the first outcome stays. */
const INSERT_OUTCOMES = `
  INSERT INTO signal_log_entries AS stored (shard, ${entryNames})
  SELECT DISTINCT ON (entry_id, invocation, strategy_id) $1, ${entryNames} FROM (${rowsQuery(ENTRY, "$2")}) given
  ORDER BY entry_id, invocation, strategy_id, status = 'delegated', number
  ON CONFLICT (shard, entry_id, invocation, strategy_id, stage) DO UPDATE
  SET (status, reason, detail, attempt, duration_ms, at) =
    (excluded.status, excluded.reason, excluded.detail, excluded.attempt, excluded.duration_ms, excluded.at)
  WHERE stored.status = 'delegated' AND excluded.status <> 'delegated'`;

/**
 * The start and the end of an invocation may come together, in either order and again: its end is written once. One row
 * per id, since a statement may touch a row once; in the order of ids, so that two writers cannot block each other.
 */
const INSERT_INVOCATIONS = `
  INSERT INTO invocations AS stored (${invocationNames})
  SELECT DISTINCT ON (id) ${invocationValues} FROM (${rowsQuery(INVOCATION, "$1")}) given
  ORDER BY id, finished_at NULLS LAST
  ON CONFLICT (id) DO UPDATE SET finished_at = excluded.finished_at, counts = excluded.counts
  WHERE stored.finished_at IS NULL AND excluded.finished_at IS NOT NULL`;

const INSERT_EVENTS = `
  INSERT INTO system_log (${eventNames})
  SELECT ${eventNames} FROM (${rowsQuery(EVENT, "$1")}) given ON CONFLICT DO NOTHING`;

/**
 * The log in Postgres, under the given shard. The statements need no common transaction: whoever gets anything but
 * `stored` writes the rows again, and what was stored already stays as it is.
 */
export function logStoreOn(db: Database, shard: string): LogStore {
  return {
    async write({ signals, outcomes, invocations, events }: LogRows): Promise<LogAnswer> {
      const executed = outcomes.map(executionRow);
      const eventRows = events.map(eventRow);
      try {
        const conflicts = signals.length > 0 ? await insertSignals(db, shard, signals) : [];
        if (executed.length > 0) await db.query(INSERT_OUTCOMES, [shard, columnsJson(ENTRY, executed)]);
        if (invocations.length > 0)
          await db.query(INSERT_INVOCATIONS, [columnsJson(INVOCATION, invocations)]);
        if (eventRows.length > 0) await db.query(INSERT_EVENTS, [columnsJson(EVENT, eventRows)]);
        return { status: "stored", conflicts };
      } catch (error) {
        if (!(error instanceof DatabaseError)) throw error;
        const { kind, message, sqlstate = "" } = error;
        return kind === "refused"
          ? { status: "refused", error: message, sqlstate }
          : { status: "unavailable", error: message };
      }
    },
  };
}

interface ConflictRow {
  readonly entry_id: string;
  readonly invocation: string;
  readonly stored_uid: string | null;
  readonly stored_status: SignalStatus;
  readonly hidden: boolean;
}

/** What was there before is looked for only when there was something: for every batch it took 6 % of Postgres' time. */
async function insertSignals(
  db: Database,
  shard: string,
  signals: readonly SignalRow[],
): Promise<LogConflict[]> {
  const rows = signals.map(signalRow);
  const routed = signals.flatMap(routedRows);
  const params = [shard, columnsJson(SIGNAL, rows), columnsJson(ROUTED, routed)];
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const [inserted] = await db.query<{ count: number }>(INSERT_SIGNALS, params);
    if (inserted?.count === rows.length) return [];
    // Inserting has waited for other writers to end, so their rows can be seen, unless they were deleted meanwhile.
    const found = await db.query<ConflictRow>(SETTLE_STORED, params);
    if (!found.some(({ hidden }) => hidden)) return found.map(conflictOf);
  }
  const message = "signal_log neither takes rows nor shows them; does a row policy or a trigger hide them?";
  throw new DatabaseError(message, "unavailable", undefined);
}

function conflictOf({ entry_id, invocation, stored_uid, stored_status }: ConflictRow): LogConflict {
  return { entryId: entry_id, invocation, storedUid: stored_uid, storedStatus: stored_status };
}
