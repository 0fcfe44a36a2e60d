import type { Database } from "../../../../shared/io/postgres/database.ts";
import type { EventRow, LogRows, OutcomeRow, SignalRow } from "../../../../shared/log-rows.ts";
import type { InvocationRecord, RoutingOutcome } from "../../../../shared/records.ts";

/** Rows for the log, each complete and valid unless the test says otherwise. */

export const NO_ROWS: LogRows = {
  signals: [],
  outcomes: [],
  uidOutcomes: [],
  attempts: [],
  reports: [],
  invocations: [],
  events: [],
};

/** A time on the day of the rows. */
export const at = (time: string): string => `2026-01-02T${time}Z`;

export interface SignalChanges extends Partial<SignalRow["record"]> {
  readonly invocation?: string;
}

/** A live, dispatched signal on BTCUSDT. */
export function logged(entryId: string, { invocation = "live", ...changes }: SignalChanges = {}): SignalRow {
  const record: SignalRow["record"] = {
    duplicate_of: null,
    uid: `uid of ${entryId}`,
    status: "dispatched",
    reason: null,
    detail: {},
    signal_id: 1,
    direction: "long",
    symbol: "BTCUSDT",
    message: "SIGNAL_1_LONG",
    source: null,
    raw: { message: "SIGNAL_1_LONG" },
    bar_time: at("00:00:00.000"),
    sent_at: null,
    received_at: at("00:00:01.000"),
    decided_at: at("00:00:02.000"),
    snapshot: "abc",
    outcomes: [],
    ...changes,
  };
  return { entryId, invocation, record };
}

/** A routing outcome: dispatched. */
export function routed(strategy_id: number, changes: Partial<RoutingOutcome> = {}): RoutingOutcome {
  const name = `strategy ${strategy_id}`;
  return { strategy_id, strategy: name, status: "dispatched", reason: null, detail: {}, ...changes };
}

/** The execution outcome of a live task: executed. */
export function ran(entryId: string, changes: Partial<OutcomeRow["record"]> = {}): OutcomeRow {
  const record: OutcomeRow["record"] = {
    strategy_id: 10,
    status: "executed",
    reason: null,
    detail: {},
    attempt: 1,
    duration_ms: 5,
    at: at("00:00:03.000"),
    ...changes,
  };
  return { entryId, invocation: "live", record };
}

export function event(eventId: string, changes: Partial<EventRow> = {}): EventRow {
  return {
    eventId,
    at: at("00:20:00.000"),
    level: "INFO",
    source: "runner",
    message: "started",
    details: { n: 1 },
    actionFlag: true,
    ...changes,
  };
}

export function replay(id: string, changes: Partial<InvocationRecord> = {}): InvocationRecord {
  return {
    id,
    kind: "replay",
    mode: "force",
    snapshot: "abc",
    requested_by: "ann",
    reason: "the broker was down",
    selection: {},
    started_at: at("00:10:00.000"),
    finished_at: null,
    counts: null,
    ...changes,
  };
}

/** The rows of a table that belong to a shard. */
export const rowsIn = (db: Database, table: "signal_log" | "signal_log_entries", shard: string) =>
  db.query(`SELECT * FROM ${table} WHERE shard = $1 ORDER BY entry_id, invocation`, [shard]);
