import type { EventRow, LogRows, OutcomeRow, SignalRow } from "../log-rows.ts";
import type { SignalStatus } from "../reasons.ts";
import { DatabaseError, type Database } from "./database.ts";
import { columnsJson, rowsQuery, type Columns, type RowOf } from "./insert-statement.ts";
import type { LogAnswer, LogConflict, LogStore } from "./log-store.ts";

const SIGNAL = {
  entry_id: "text",
  invocation: "text",
  uid: "text",
  status: "text",
  reason: "text",
  detail: "jsonb",
  signal_id: "integer",
  direction: "text",
  symbol: "text",
  message: "text",
  source: "text",
  raw: "jsonb",
  bar_time: "timestamptz",
  sent_at: "timestamptz",
  received_at: "timestamptz",
  decided_at: "timestamptz",
  snapshot: "text",
  duplicate_of: "text",
} as const satisfies Columns;

const ENTRY = {
  entry_id: "text",
  invocation: "text",
  strategy_id: "integer",
  stage: "text",
  status: "text",
  reason: "text",
  detail: "jsonb",
  attempt: "integer",
  duration_ms: "integer",
  at: "timestamptz",
} as const satisfies Columns;

const INVOCATION = {
  id: "text",
  kind: "text",
  mode: "text",
  snapshot: "text",
  requested_by: "text",
  reason: "text",
  selection: "jsonb",
  started_at: "timestamptz",
  finished_at: "timestamptz",
  counts: "jsonb",
} as const satisfies Columns;

const EVENT = {
  event_id: "uuid",
  at: "timestamptz",
  level: "text",
  source: "text",
  message: "text",
  details: "jsonb",
  action_flag: "boolean",
} as const satisfies Columns;

/** Each look waits for the other writers' transactions, so the second one sees them. */
const LOOKS_MAX = 10;

const signalNames = Object.keys(SIGNAL).join(", ");
const entryNames = Object.keys(ENTRY).join(", ");
const invocationNames = Object.keys(INVOCATION).join(", ");
/** An element of an array that is null is jsonb's null, not NULL. */
const invocationValues = invocationNames.replace(/counts$/, "NULLIF(counts, 'null')");
const eventNames = Object.keys(EVENT).join(", ");

/**
 * Inserts signals and gives those whose row was there before with another uid or status, or was given twice with
 * different ones. `raced`: another transaction put the row there after this statement had begun, so it cannot be seen yet.
 * The LIMIT makes it look up row by row: a plain join reads the whole shard as long as the table has no statistics.
 */
const INSERT_SIGNALS = `
  WITH given AS MATERIALIZED (${rowsQuery(SIGNAL, "$2")}),
  inserted AS (
    INSERT INTO signal_log (shard, ${signalNames}) SELECT $1, ${signalNames} FROM given
    ON CONFLICT DO NOTHING
    RETURNING entry_id, invocation, uid, status
  ),
  stored AS (
    SELECT entry_id, invocation, uid, status FROM inserted
    UNION
    SELECT log.entry_id, log.invocation, log.uid, log.status FROM given, LATERAL (
      SELECT * FROM signal_log log
      WHERE log.shard = $1 AND log.entry_id = given.entry_id AND log.invocation = given.invocation LIMIT 1
    ) log
  )
  SELECT given.entry_id, given.invocation, stored.uid AS stored_uid, stored.status AS stored_status,
    stored.entry_id IS NULL AS raced
  FROM given LEFT JOIN stored USING (entry_id, invocation)
  WHERE stored.entry_id IS NULL OR (stored.uid, stored.status) IS DISTINCT FROM (given.uid, given.status)`;

const INSERT_ENTRIES = `
  INSERT INTO signal_log_entries (shard, ${entryNames})
  SELECT $1, ${entryNames} FROM (${rowsQuery(ENTRY, "$2")}) given ON CONFLICT DO NOTHING`;

/** A worker's report takes the place of `delegated`, in whatever order they come; otherwise the first outcome stays. */
const INSERT_OUTCOMES = `
  INSERT INTO signal_log_entries AS stored (shard, ${entryNames})
  SELECT DISTINCT ON (entry_id, invocation, strategy_id) $1, ${entryNames} FROM (${rowsQuery(ENTRY, "$2")}) given
  ORDER BY entry_id, invocation, strategy_id, status = 'delegated'
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
      const signalRows = signals.map(signalRow);
      const routed = signals.flatMap(routingRows);
      const executed = outcomes.map(executionRow);
      const eventRows = events.map(eventRow);
      try {
        const conflicts = signalRows.length > 0 ? await insertSignals(db, shard, signalRows) : [];
        if (routed.length > 0) await db.query(INSERT_ENTRIES, [shard, columnsJson(ENTRY, routed)]);
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

interface StoredRow {
  readonly entry_id: string;
  readonly invocation: string;
  readonly stored_uid: string | null;
  readonly stored_status: SignalStatus;
  readonly raced: boolean;
}

async function insertSignals(
  db: Database,
  shard: string,
  rows: readonly RowOf<typeof SIGNAL>[],
): Promise<LogConflict[]> {
  const params = [shard, columnsJson(SIGNAL, rows)];
  let stored = await db.query<StoredRow>(INSERT_SIGNALS, params);
  // The other transaction has ended by now, so a second look sees its row.
  for (let looks = 1; stored.some(({ raced }) => raced); looks += 1) {
    if (looks > LOOKS_MAX) {
      const message =
        "signal_log neither takes rows nor shows them; does a row policy or a trigger hide them?";
      throw new DatabaseError(message, "unavailable", undefined);
    }
    stored = await db.query<StoredRow>(INSERT_SIGNALS, params);
  }
  return stored.map(({ entry_id, invocation, stored_uid, stored_status }) => ({
    entryId: entry_id,
    invocation,
    storedUid: stored_uid,
    storedStatus: stored_status,
  }));
}

function signalRow({ entryId, invocation, record }: SignalRow): RowOf<typeof SIGNAL> {
  return { ...record, entry_id: entryId, invocation };
}

function routingRows({ entryId, invocation, record }: SignalRow): RowOf<typeof ENTRY>[] {
  const key = { entry_id: entryId, invocation, stage: "routing" };
  const notRun = { attempt: null, duration_ms: null, at: record.decided_at };
  return record.outcomes.map((outcome) => ({ ...outcome, ...key, ...notRun }));
}

function executionRow({ entryId, invocation, record }: OutcomeRow): RowOf<typeof ENTRY> {
  return { ...record, entry_id: entryId, invocation, stage: "execution" };
}

function eventRow(event: EventRow): RowOf<typeof EVENT> {
  return { ...event, event_id: event.eventId, action_flag: event.actionFlag };
}
