import * as z from "zod";
import type { Entry } from "./entry.ts";
import { parseSafeJson } from "./exact-json.ts";
import type { StreamName } from "./keys.ts";
import {
  eventRecordSchema,
  invocationRecordSchema,
  outcomeRecordSchema,
  signalRecordSchema,
  type EventRecord,
  type InvocationRecord,
  type OutcomeRecord,
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
  /** Each as recorded at its start or at its end. */
  readonly invocations: readonly InvocationRecord[];
  readonly events: readonly EventRow[];
}

export type ParsedRows =
  | { readonly ok: true; readonly rows: LogRows }
  | { readonly ok: false; readonly error: string };

const NO_ROWS: LogRows = { signals: [], outcomes: [], invocations: [], events: [] };

const resultFields = {
  entry_id: z.string().regex(/^\d+-\d+$/, "expected an entry id such as 1700000000000-0"),
  invocation: z.string().min(1),
  data: z.string(),
};
const resultEntrySchema = z.discriminatedUnion("kind", [
  z.object({ ...resultFields, kind: z.enum(["signal", "outcome"]) }),
  z.object({ ...resultFields, kind: z.literal("invocation"), entry_id: z.literal("") }),
]);

/** The log rows in an entry of `signal_results` or `system_events`, or what is wrong with the entry. */
export function logRowsOf(
  entry: Entry,
  stream: Extract<StreamName, "signal_results" | "system_events">,
): ParsedRows {
  try {
    return { ok: true, rows: stream === "system_events" ? eventRows(entry) : resultRows(entry) };
  } catch (error) {
    if (error instanceof z.ZodError) return { ok: false, error: `not a record: ${z.prettifyError(error)}` };
    if (error instanceof SyntaxError)
      return { ok: false, error: "not a record: expected JSON in its fields" };
    throw error;
  }
}

function resultRows({ fields }: Entry): LogRows {
  const { kind, entry_id: entryId, invocation, data } = resultEntrySchema.parse(fields);
  // Only outcomes may come from others, from workers: the routers' own records have no such numbers.
  const record: unknown = kind === "outcome" ? parseSafeJson(data) : JSON.parse(data);
  switch (kind) {
    case "signal":
      return { ...NO_ROWS, signals: [{ entryId, invocation, record: signalRecordSchema.parse(record) }] };
    case "outcome":
      return { ...NO_ROWS, outcomes: [{ entryId, invocation, record: outcomeRecordSchema.parse(record) }] };
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
