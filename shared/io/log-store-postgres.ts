import type { LogRows, OutcomeRow, SignalRow } from "../log-rows.ts";
import { DatabaseError, type Database } from "./database.ts";
import { columnsJson, rowsQuery, type Columns } from "./insert-statement.ts";
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

const EVENT = {
  event_id: "uuid",
  at: "timestamptz",
  level: "text",
  source: "text",
  message: "text",
  details: "jsonb",
  action_flag: "boolean",
} as const satisfies Columns;

const signalNames = Object.keys(SIGNAL).join(", ");
const entryNames = Object.keys(ENTRY).join(", ");
const eventNames = Object.keys(EVENT).join(", ");

/**
 * Inserts signals and gives those whose row was there before with another uid, or was given twice with different
 * ones. `raced`: another transaction put the row there after this statement had begun, so it cannot be seen yet.
 */
const INSERT_SIGNALS = `
  WITH given AS MATERIALIZED (${rowsQuery(SIGNAL, "$2")}),
  inserted AS (
    INSERT INTO signal_log (shard, ${signalNames}) SELECT $1, ${signalNames} FROM given
    ON CONFLICT DO NOTHING
    RETURNING entry_id, invocation, uid
  ),
  stored AS (
    SELECT entry_id, invocation, uid FROM inserted
    UNION
    SELECT log.entry_id, log.invocation, log.uid FROM given JOIN signal_log log
    ON log.shard = $1 AND log.entry_id = given.entry_id AND log.invocation = given.invocation
  )
  SELECT given.entry_id, given.invocation, stored.uid AS stored_uid, stored.entry_id IS NULL AS raced
  FROM given LEFT JOIN stored USING (entry_id, invocation)
  WHERE stored.entry_id IS NULL OR stored.uid IS DISTINCT FROM given.uid`;

const INSERT_ENTRIES = `
  INSERT INTO signal_log_entries (shard, ${entryNames})
  SELECT $1, ${entryNames} FROM (${rowsQuery(ENTRY, "$2")}) given ON CONFLICT DO NOTHING`;

const INSERT_EVENTS = `
  INSERT INTO system_log (${eventNames})
  SELECT ${eventNames} FROM (${rowsQuery(EVENT, "$1")}) given ON CONFLICT DO NOTHING`;

/**
 * The log in Postgres, under the given shard. The statements need no common transaction: whoever gets anything but
 * `stored` writes the rows again, and what was stored already stays as it is.
 */
export function logStoreOn(db: Database, shard: string): LogStore {
  return {
    async write({ signals, outcomes, events }: LogRows): Promise<LogAnswer> {
      try {
        const conflicts = signals.length > 0 ? await insertSignals(db, shard, signals) : [];
        const entries = [...signals.flatMap(routingEntries), ...outcomes.map(executionEntry)];
        if (entries.length > 0) await db.query(INSERT_ENTRIES, [shard, columnsJson(ENTRY, entries)]);
        if (events.length > 0) {
          const rows = events.map((event) => ({
            ...event,
            event_id: event.eventId,
            action_flag: event.actionFlag,
          }));
          await db.query(INSERT_EVENTS, [columnsJson(EVENT, rows)]);
        }
        return { status: "stored", conflicts };
      } catch (error) {
        if (!(error instanceof DatabaseError)) throw error;
        const { kind, message, sqlstate } = error;
        return kind === "refused"
          ? { status: "refused", error: message, sqlstate: sqlstate ?? "" }
          : { status: "unavailable", error: message };
      }
    },
  };
}

interface StoredRow {
  readonly entry_id: string;
  readonly invocation: string;
  readonly stored_uid: string | null;
  readonly raced: boolean;
}

async function insertSignals(
  db: Database,
  shard: string,
  signals: readonly SignalRow[],
): Promise<LogConflict[]> {
  const rows = signals.map(({ entryId, invocation, record }) => ({
    ...record,
    entry_id: entryId,
    invocation,
  }));
  const params = [shard, columnsJson(SIGNAL, rows)];
  let stored = await db.query<StoredRow>(INSERT_SIGNALS, params);
  // The other transaction has ended by now, so a second look sees its row.
  while (stored.some(({ raced }) => raced)) stored = await db.query<StoredRow>(INSERT_SIGNALS, params);
  return stored.map(({ entry_id: entryId, invocation, stored_uid: storedUid }) => ({
    entryId,
    invocation,
    storedUid,
  }));
}

type EntryValues = Readonly<Record<keyof typeof ENTRY, unknown>>;

function routingEntries({ entryId, invocation, record }: SignalRow): EntryValues[] {
  return record.outcomes.map((outcome) => ({
    ...outcome,
    entry_id: entryId,
    invocation,
    stage: "routing",
    attempt: null,
    duration_ms: null,
    at: record.decided_at,
  }));
}

function executionEntry({ entryId, invocation, record }: OutcomeRow): EntryValues {
  return { ...record, entry_id: entryId, invocation, stage: "execution" };
}
