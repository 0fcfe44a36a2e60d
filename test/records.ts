import type { Entry } from "../shared/entry.ts";
import type { OutcomeRecord, SignalRecord } from "../shared/records.ts";

/** Builders of `signal_results` entries: each is complete and valid unless the test changes it. */

export const RECORDED_AT = "2026-01-02T03:04:05.678Z";

export interface RecordIds {
  /** Entry id of the record itself. */
  readonly id?: string;
  /** Entry id of the signal. */
  readonly entryId?: string;
  readonly invocation?: string;
}

/** The outcome of a task: strategy 7 has executed it. */
export function outcomeEntry(changes: Partial<OutcomeRecord> = {}, ids: RecordIds = {}): Entry {
  const record: OutcomeRecord = {
    uid: "u1",
    strategy_id: 7,
    status: "executed",
    reason: null,
    detail: {},
    attempt: 1,
    duration_ms: 5,
    at: RECORDED_AT,
    ...changes,
  };
  return entryOf("outcome", record, ids);
}

/** A decision on a signal: dispatched, without strategies. */
export function signalEntry(changes: Partial<SignalRecord> = {}, ids: RecordIds = {}): Entry {
  const record: SignalRecord = {
    duplicate_of: null,
    uid: "u1",
    status: "dispatched",
    reason: null,
    detail: {},
    signal_id: 1,
    direction: "long",
    symbol: "BTCUSDT",
    message: "SIGNAL_1_LONG",
    source: null,
    raw: {},
    bar_time: RECORDED_AT,
    sent_at: null,
    received_at: RECORDED_AT,
    decided_at: RECORDED_AT,
    snapshot: "v1",
    outcomes: [],
    ...changes,
  };
  return entryOf("signal", record, ids);
}

function entryOf(kind: string, record: object, ids: RecordIds): Entry {
  const { id = "9-0", entryId = "5-0", invocation = "live" } = ids;
  return { id, fields: { kind, entry_id: entryId, invocation, data: JSON.stringify(record) } };
}
