import type { LogRows } from "../../log-rows.ts";
import type { SignalStatus } from "../../reasons.ts";

/**
 * This room writes, reads, searches and trims the log in Postgres: what was decided, what was done, and operational events.
 *
 * Stores rows of the log; idempotent: writing rows again changes nothing.
 */
export interface LogStore {
  write(rows: LogRows): Promise<LogAnswer>;
}

export type LogAnswer =
  | {
      readonly status: "stored";
      readonly conflicts: readonly LogConflict[];
      /** Entries of `signal_results` that were not stored, since the log has no dispatch of their uid to their strategy. */
      readonly unmatched: readonly string[];
    }
  /** Postgres refused a row for what it contains; any of these rows may be stored or not. */
  | { readonly status: "refused"; readonly error: string; readonly sqlstate: string }
  | { readonly status: "unavailable"; readonly error: string };

/** A row with the same key was stored before, for another uid or with another decision. */
export interface LogConflict {
  readonly entryId: string;
  readonly invocation: string;
  readonly storedUid: string | null;
  readonly storedStatus: SignalStatus;
}
