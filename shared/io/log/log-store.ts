import type { LogRows } from "../../log-rows.ts";
import type { SignalStatus } from "../../reasons.ts";

/** A row that was there already, for another uid or with another decision. */
export interface LogConflict {
  readonly entryId: string;
  readonly invocation: string;
  readonly storedUid: string | null;
  readonly storedStatus: SignalStatus;
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
