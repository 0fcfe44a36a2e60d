import type { LogRows, OutcomeRow, SignalRow } from "../../log-rows.ts";
import type { SignalStatus } from "../../reasons.ts";
import { DatabaseError, type Database } from "../postgres/database.ts";
import { columnsJson, rowsQuery } from "../postgres/insert-statement.ts";
import type { NameTable } from "../postgres/table-names.ts";
import type { LogAnswer, LogConflict, LogStore } from "./log-store.ts";
import {
  DECISION_COLUMNS,
  EVENT_COLUMNS,
  eventRow,
  executionRow,
  INVOCATION_COLUMNS,
  OUTCOME_COLUMNS,
  routedRows,
  ROUTING_COLUMNS,
  SIGNAL_COLUMNS,
  signalRow,
} from "./log-tables.ts";
import { matchedIn, storeWorkerRows } from "./worker-rows.ts";

/** The statements that write the log in Postgres. */

const signalNames = Object.keys(SIGNAL_COLUMNS).join(", ");
const outcomeNames = Object.keys(OUTCOME_COLUMNS).join(", ");
const invocationNames = Object.keys(INVOCATION_COLUMNS).join(", ");
/** A null in a JSON array arrives as jsonb's null, not as NULL. */
const invocationValues = invocationNames.replace(/counts$/, "NULLIF(counts, 'null')");
const eventNames = Object.keys(EVENT_COLUMNS).join(", ");

/** Stores the routing outcomes of the signals that a query gives. */
const routedStatement = (table: NameTable, decided: string): string => `
  INSERT INTO ${table("signal_log_entries")} (shard, entry_id, invocation, stage, at, strategy_id, status, reason, detail)
  SELECT $1, decided.entry_id, decided.invocation, 'routing', decided.decided_at,
    outcome.strategy_id, outcome.status, outcome.reason, outcome.detail
  FROM (${rowsQuery(ROUTING_COLUMNS, "$3")}) outcome JOIN (${decided}) decided ON decided.number = outcome.signal
  ON CONFLICT DO NOTHING`;

/**
 * Inserts signals that are not stored yet, with their routing outcomes, and counts the signals. As one statement it took Postgres
 * 11 % less time than as one per table with the key in every row. Of two decisions on one entry only the first is stored, with its
 * own outcomes, hence `number`. In the order of keys, so that two writers cannot block each other. Both together cost 1.5 %.
 */
const signalsStatement = (table: NameTable): string => `
  WITH given AS MATERIALIZED (${rowsQuery(SIGNAL_COLUMNS, "$2")}),
  inserted AS (
    INSERT INTO ${table("signal_log")} (shard, ${signalNames}) SELECT $1, ${signalNames} FROM given
    ORDER BY entry_id, invocation, number
    ON CONFLICT DO NOTHING RETURNING entry_id, invocation, uid, status
  ),
  routed AS (${routedStatement(
    table,
    `
    SELECT given.* FROM given JOIN inserted USING (entry_id, invocation, status)
    WHERE inserted.uid IS NOT DISTINCT FROM given.uid`,
  )}
  )
  SELECT count(*) AS count FROM inserted`;

/**
 * Finds those signals whose stored row has another uid or status; `hidden`: no row is found, though the insert found one. The
 * other signals get their routing outcomes: earlier versions stored those after the row, and may have been stopped in
 * between. LIMIT makes Postgres look up row by row: a plain join reads the whole shard while the table has no statistics.
 */
const settleStatement = (table: NameTable): string => `
  WITH given AS MATERIALIZED (
    SELECT given.*, stored.uid AS stored_uid, stored.status AS stored_status, stored.entry_id IS NULL AS hidden,
      (stored.uid, stored.status) IS NOT DISTINCT FROM (given.uid, given.status) AS same
    FROM (${rowsQuery(DECISION_COLUMNS, "$2")}) given LEFT JOIN LATERAL (
      SELECT * FROM ${table("signal_log")} log
      WHERE log.shard = $1 AND log.entry_id = given.entry_id AND log.invocation = given.invocation LIMIT 1
    ) stored ON true
  ),
  routed AS (${routedStatement(table, "SELECT * FROM given WHERE same")}
  )
  SELECT entry_id, invocation, stored_uid, stored_status, hidden FROM given WHERE NOT same`;

/**
 * The outcome that a worker reports replaces `delegated`, in whatever order they come; otherwise the first outcome of a run stays.
 * It ends no earlier than it was delegated, whatever the worker's clock says: the newest run is what the task came to.
 */
const outcomesStatement = (table: NameTable): string => `
  INSERT INTO ${table("signal_log_entries")} AS stored (shard, ${outcomeNames})
  SELECT DISTINCT ON (entry_id, invocation, strategy_id, part) $1, ${outcomeNames}
  FROM (${rowsQuery(OUTCOME_COLUMNS, "$2")}) given
  ORDER BY entry_id, invocation, strategy_id, part, status = 'delegated', number
  ON CONFLICT (shard, entry_id, invocation, strategy_id, stage, part) DO UPDATE
  SET (status, reason, detail, attempt, duration_ms, at) =
    (excluded.status, excluded.reason, excluded.detail, excluded.attempt, excluded.duration_ms, GREATEST(stored.at, excluded.at))
  WHERE stored.status = 'delegated' AND excluded.status <> 'delegated'`;

/**
 * The start and the end of an invocation may come together, in either order and repeatedly; its end is written once. One row
 * per id, since a statement may change a row only once; in the order of ids, so that two writers cannot block each other.
 */
const invocationsStatement = (table: NameTable): string => `
  INSERT INTO ${table("invocations")} AS stored (${invocationNames})
  SELECT DISTINCT ON (id) ${invocationValues} FROM (${rowsQuery(INVOCATION_COLUMNS, "$1")}) given
  ORDER BY id, finished_at NULLS LAST
  ON CONFLICT (id) DO UPDATE SET finished_at = excluded.finished_at, counts = excluded.counts
  WHERE stored.finished_at IS NULL AND excluded.finished_at IS NOT NULL`;

const eventsStatement = (table: NameTable): string => `
  INSERT INTO ${table("system_log")} (${eventNames})
  SELECT ${eventNames} FROM (${rowsQuery(EVENT_COLUMNS, "$1")}) given ON CONFLICT DO NOTHING`;

type Statements = ReturnType<typeof statementsFor>;

function statementsFor(table: NameTable) {
  return {
    signals: signalsStatement(table),
    settle: settleStatement(table),
    outcomes: outcomesStatement(table),
    invocations: invocationsStatement(table),
    events: eventsStatement(table),
  };
}

/**
 * The log in Postgres, under this shard. The statements need no common transaction: after any answer but `stored` the caller
 * writes the rows again, and rows that are stored already do not change.
 */
export function logStoreOn(db: Database, shard: string): LogStore {
  const statements = statementsFor(db.table);
  const storeOutcomes = async (outcomes: readonly OutcomeRow[]): Promise<void> => {
    if (outcomes.length === 0) return;
    const executed = columnsJson(OUTCOME_COLUMNS, outcomes.map(executionRow));
    await db.query(statements.outcomes, [shard, executed]);
  };
  return {
    async write({ signals, invocations, events, ...rows }: LogRows): Promise<LogAnswer> {
      const eventRows = events.map(eventRow);
      try {
        const conflicts = signals.length > 0 ? await insertSignals(db, statements, { shard, signals }) : [];
        // Before what workers say about the runs of a retry.
        if (invocations.length > 0)
          await db.query(statements.invocations, [columnsJson(INVOCATION_COLUMNS, invocations)]);
        await storeOutcomes(rows.outcomes);
        // After the signals and the runs that they may be about, of which a retry of a dead letter is known by its outcome alone.
        const matched = await matchedIn(db, shard, rows);
        await storeOutcomes(matched.outcomes);
        await storeWorkerRows(db, shard, { attempts: rows.attempts, reports: matched.reports });
        if (eventRows.length > 0) await db.query(statements.events, [columnsJson(EVENT_COLUMNS, eventRows)]);
        return { status: "stored", conflicts, unmatched: matched.unmatched };
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

/** A row that one statement finds and the next one does not is rare; another round is enough. */
const ROUNDS_MAX = 10;

/** Rows stored before are read only when there are any: doing so for every batch took 6 % of Postgres' time. */
async function insertSignals(
  db: Database,
  statements: Statements,
  { shard, signals }: { readonly shard: string; readonly signals: readonly SignalRow[] },
): Promise<LogConflict[]> {
  const rows = signals.map(signalRow);
  const routed = signals.flatMap(routedRows);
  const params = [shard, columnsJson(SIGNAL_COLUMNS, rows), columnsJson(ROUTING_COLUMNS, routed)];
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const [inserted] = await db.query<{ count: number }>(statements.signals, params);
    if (inserted?.count === rows.length) return [];
    // The insert waited for other writers to commit, so their rows are visible, unless they were deleted meanwhile.
    const found = await db.query<ConflictRow>(statements.settle, params);
    if (!found.some(({ hidden }) => hidden)) return found.map(conflictOf);
  }
  const message =
    "signal_log neither stores rows nor shows them: check its row-level security policies and its triggers";
  throw new DatabaseError(message, "unavailable", undefined);
}

function conflictOf({ entry_id, invocation, stored_uid, stored_status }: ConflictRow): LogConflict {
  return { entryId: entry_id, invocation, storedUid: stored_uid, storedStatus: stored_status };
}
