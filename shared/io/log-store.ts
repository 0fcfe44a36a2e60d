import type { SignalRecord, OutcomeRecord } from "../records.ts";

/** A decision with the entry it was made on. */
export interface SignalRow {
  readonly entryId: string;
  readonly invocation: string;
  readonly record: SignalRecord;
}

/** A task's outcome with the entry of its signal. */
export interface OutcomeRow {
  readonly entryId: string;
  readonly invocation: string;
  readonly record: OutcomeRecord;
}

/** An operational event, details parsed. */
export interface EventRow {
  readonly eventId: string;
  readonly at: string;
  readonly level: string;
  readonly source: string;
  readonly message: string;
  readonly details: unknown;
  readonly actionFlag: boolean;
}

/** Rows for the log, table by table. */
export interface LogRows {
  readonly signals: readonly SignalRow[];
  readonly outcomes: readonly OutcomeRow[];
  readonly events: readonly EventRow[];
}

/** A row that was there already, for another uid: two different signals under one key. */
export interface LogConflict {
  readonly entryId: string;
  readonly invocation: string;
  readonly storedUid: string | null;
}

export type LogAnswer =
  | { readonly status: "stored"; readonly conflicts: readonly LogConflict[] }
  /** Postgres refused a row for what it contains; nothing of these rows can be relied on to be stored. */
  | { readonly status: "refused"; readonly error: string; readonly sqlstate: string }
  | { readonly status: "unavailable"; readonly error: string };

/** Where the log is written; idempotent, so that writing rows again changes nothing. */
export interface LogStore {
  write(rows: LogRows): Promise<LogAnswer>;
}
