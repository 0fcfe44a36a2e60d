import type { Fields } from "./entry.ts";
import type { SignalRecord } from "./records.ts";
import type { Signal } from "./signal/signal.ts";
import { isoTime } from "./signal/time.ts";
import { zonelessTime } from "./signal/zoneless-time.ts";

/** Makes the fields that all tasks of a signal have in common, for its dispatch and for a retry; `parseTask` reads them. */
export function signalFieldsOf(signal: TaskSignal, record: TaskRecord): Fields {
  const fields: Record<string, string> = {
    signal_id: String(record.signal_id),
    symbol: signal.symbol,
    direction: String(record.direction),
    time: record.bar_time ?? "",
    received_at: zonelessTime(record.received_at, signal.receivedText),
    log_uid: String(record.uid),
    source: signal.source ?? "",
    entry_id: signal.entryId,
    sent_at: record.sent_at ?? "",
  };
  // Tasks that open have no such field: workers that know two directions see none that is new to them.
  if (record.direction === "flat") fields["side"] = record.side ?? "";
  if (signal.extra !== null) fields["extra"] = signal.extra;
  return fields;
}

export type TaskSignal = Pick<Signal, "entryId" | "symbol" | "source" | "receivedText" | "extra">;
export type TaskRecord = Pick<
  SignalRecord,
  "uid" | "signal_id" | "direction" | "side" | "bar_time" | "received_at" | "sent_at"
>;

/** The fields that all tasks of one invocation on one snapshot have in common. */
export function dispatchFieldsOf({ invocation, snapshot, forcedAt }: Dispatch): Fields {
  return { invocation, snapshot, ...(forcedAt === undefined ? {} : { forced_at: isoTime(forcedAt) }) };
}

export interface Dispatch {
  readonly invocation: string;
  /** Version of the snapshot that the decision was made on. */
  readonly snapshot: string;
  /** See {@link Task.forcedAt}. */
  readonly forcedAt: number | undefined;
}

/** The fields in which the tasks of a signal differ. */
export function strategyFieldsOf(id: number, name: string): Fields {
  return { strategy_id: String(id), strategy: name };
}
