import * as z from "zod";
import { entryTime, type Entry } from "./entry.ts";
import { parseSafeJson } from "./exact-json.ts";
import {
  attemptRecordSchema,
  entryIdText,
  eventRecordSchema,
  invocationRecordSchema,
  outcomeRecordSchema,
  reportRecordSchema,
  signalRecordSchema,
  type AttemptRecord,
  type EventRecord,
  type InvocationRecord,
  type OutcomeRecord,
  type ReportRecord,
  type SignalRecord,
} from "./records.ts";

/** A decision, with the entry it was made on. */
export interface SignalRow {
  readonly entryId: string;
  readonly invocation: string;
  readonly record: SignalRecord;
}

/** A task's outcome, with the entry of its signal. */
export interface OutcomeRow {
  readonly entryId: string;
  readonly invocation: string;
  readonly record: OutcomeRecord;
}

/** An attempt of a task that was not its last; `part` tells it from the others. */
export interface AttemptRow {
  readonly entryId: string;
  readonly invocation: string;
  readonly part: string;
  readonly record: AttemptRecord;
}

/** A record about the newest dispatch of a uid to a strategy. */
export interface UidRow<Record extends OutcomeRecord | ReportRecord> {
  /** Entry of `signal_results` that it is from. */
  readonly resultId: string;
  readonly uid: string;
  /** When the worker said so, by Redis' clock, milliseconds since 1970. */
  readonly reportedAt: number;
  readonly record: Record;
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

/** Rows for the log tables. */
export interface LogRows {
  readonly signals: readonly SignalRow[];
  readonly outcomes: readonly OutcomeRow[];
  readonly uidOutcomes: readonly UidRow<OutcomeRecord>[];
  readonly attempts: readonly AttemptRow[];
  readonly reports: readonly UidRow<ReportRecord>[];
  /** Each as recorded at its start or at its end. */
  readonly invocations: readonly InvocationRecord[];
  readonly events: readonly EventRow[];
}

export type ParsedRows =
  | { readonly ok: true; readonly rows: LogRows }
  | { readonly ok: false; readonly error: string };

export const NO_ROWS: LogRows = {
  signals: [],
  outcomes: [],
  uidOutcomes: [],
  attempts: [],
  reports: [],
  invocations: [],
  events: [],
};

const resultFields = { entry_id: entryIdText, invocation: z.string().min(1), data: z.string() };
const resultEntrySchema = z.discriminatedUnion("kind", [
  z.object({ ...resultFields, kind: z.enum(["signal", "outcome", "attempt"]) }),
  z.object({ ...resultFields, kind: z.literal("invocation"), entry_id: z.literal("") }),
  z.object({ kind: z.literal("report"), log_uid: z.string().min(1), data: z.string() }),
]);
/** An outcome of a worker that does not know the signal's entry. */
const uidOutcomeSchema = z.object({ log_uid: z.string().min(1), data: z.string() });

/** The streams whose entries are records. */
export type LogStream = "signal_results" | "system_events";

/** The log rows in an entry of `signal_results` or `system_events`, or what is wrong with the entry. */
export function logRowsOf(entry: Entry, stream: LogStream): ParsedRows {
  try {
    return { ok: true, rows: stream === "system_events" ? eventRows(entry) : resultRows(entry) };
  } catch (error) {
    if (error instanceof z.ZodError) return { ok: false, error: `not a record: ${z.prettifyError(error)}` };
    if (error instanceof SyntaxError)
      return { ok: false, error: "not a record: expected JSON in its fields" };
    throw error;
  }
}

function resultRows({ id, fields }: Entry): LogRows {
  if (fields["kind"] === "outcome" && !fields["entry_id"] && fields["log_uid"]) {
    const { log_uid: uid, data } = uidOutcomeSchema.parse(fields);
    const record = outcomeRecordSchema.parse(parseSafeJson(data));
    return { ...NO_ROWS, uidOutcomes: [{ resultId: id, uid, reportedAt: entryTime(id), record }] };
  }
  const result = resultEntrySchema.parse(fields);
  // Only these may come from others, from workers: the routers' own records have no such numbers.
  const isOthers = result.kind === "outcome" || result.kind === "report";
  const record: unknown = isOthers ? parseSafeJson(result.data) : JSON.parse(result.data);
  if (result.kind === "report") {
    const report = reportRecordSchema.parse(record);
    const reportedAt = entryTime(report.report_id);
    return { ...NO_ROWS, reports: [{ resultId: id, uid: result.log_uid, reportedAt, record: report }] };
  }
  const { kind, entry_id: entryId, invocation } = result;
  switch (kind) {
    case "signal":
      return { ...NO_ROWS, signals: [{ entryId, invocation, record: signalRecordSchema.parse(record) }] };
    case "outcome":
      return { ...NO_ROWS, outcomes: [{ entryId, invocation, record: outcomeRecordSchema.parse(record) }] };
    case "attempt": {
      const attempt = attemptRecordSchema.parse(record);
      const part = `${attempt.task_id} ${attempt.attempt}`;
      return { ...NO_ROWS, attempts: [{ entryId, invocation, part, record: attempt }] };
    }
    case "invocation":
      return { ...NO_ROWS, invocations: [invocationRecordSchema.parse(record)] };
  }
}

function eventRows({ fields }: Entry): LogRows {
  const { event_id: eventId, action_flag, details, ...rest }: EventRecord = eventRecordSchema.parse(fields);
  const event = {
    eventId,
    ...rest,
    details: parseSafeJson(details),
    actionFlag: action_flag === "true",
  };
  return { ...NO_ROWS, events: [event] };
}
