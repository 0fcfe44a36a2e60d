import * as z from "zod";
import { EXIT_UID_LENGTH_MORE } from "./decide/exit-uid.ts";
import { entryTime, type Entry, type Fields } from "./entry.ts";
import type { Branch } from "./function.ts";
import type { StreamName } from "./keys.ts";
import { reportCounter } from "./metrics.ts";
import { REPORT_STATUS_LENGTH_MAX, type ReportRecord } from "./records.ts";
import type { Detail } from "./signal/signal.ts";
import { parseTime } from "./signal/time.ts";
import { cutText, storable } from "./text.ts";

/**
 * What workers of other systems say beside outcomes: their reports in OUTCOME_STREAMS, and the tasks that they add to
 * `strategy_input_stream` themselves. Anybody who can add an entry there writes it, so it is recorded and decides nothing.
 */
export interface WorkerReport {
  readonly uid: string;
  readonly record: ReportRecord;
}

export type ParsedReport =
  | { readonly ok: true; readonly report: WorkerReport }
  /** What is wrong, field by field. */
  | { readonly ok: false; readonly error: string };

/** Longest note that is recorded, in bytes. */
export const NOTE_BYTES_MAX = 2_048;
/** Of a signal's own uid, which that of an exit is made of. */
const UID_LENGTH_MAX = 256 + EXIT_UID_LENGTH_MORE;
const POSITION_BYTES_MAX = 256;
/** A time further ahead of the entry's own comes from a clock that is wrong. */
const AHEAD_MS_MAX = 5_000;

const strategyId = z
  .string()
  .trim()
  .regex(/^[1-9]\d{0,9}$/, "expected the id of a strategy")
  .transform(Number)
  .refine((id) => id <= 2_147_483_647, "expected the id of a strategy");
const word = (lengthMax: number, what: string) =>
  z
    .string()
    .transform((text) => storable(text.trim()))
    .refine(
      (text) => text !== "" && text.length <= lengthMax,
      `expected ${what}, 1 to ${lengthMax} characters`,
    );

const reportSchema = z.object({
  log_uid: word(UID_LENGTH_MAX, "the uid of a task"),
  strategy_id: strategyId,
  status: word(REPORT_STATUS_LENGTH_MAX, "a word such as opened"),
  note: z.string().default(""),
  position_uid: z.string().default(""),
  logged_at: z.string().default(""),
});

/** The report in an entry of one of OUTCOME_STREAMS, or what is wrong with the entry. */
export function parseReport({ id, fields }: Entry, stream: StreamName): ParsedReport {
  const parsed = reportSchema.safeParse(fields);
  if (!parsed.success) return { ok: false, error: `not a report: ${z.prettifyError(parsed.error)}` };
  const { log_uid: uid, strategy_id, status, note, position_uid, logged_at } = parsed.data;
  const { at, ...remark } = timeOf(logged_at, entryTime(id));
  const detail = { ...noteOf(note), ...textOf("position_uid", position_uid, POSITION_BYTES_MAX), ...remark };
  return { ok: true, report: { uid, record: { strategy_id, status, detail, at, stream, report_id: id } } };
}

/** When the report was made: as the worker wrote it (no zone = UTC), else when its entry was added, with the text in the detail. */
function timeOf(
  text: string,
  addedAt: number,
): { readonly at: string; readonly unusable_logged_at?: string } {
  const added = new Date(addedAt).toISOString();
  if (text.trim() === "") return { at: added };
  const time = parseTime(text);
  return time === undefined || time > addedAt + AHEAD_MS_MAX
    ? { at: added, unusable_logged_at: cutText(storable(text), 64) }
    : { at: new Date(time).toISOString() };
}

function noteOf(note: string): Detail {
  const cut = cutText(storable(note), NOTE_BYTES_MAX);
  if (cut === "") return {};
  return cut.length < note.length ? { note: cut, note_cut: true } : { note: cut };
}

function textOf(name: string, text: string, bytesMax: number): Detail {
  return text === "" ? {} : { [name]: cutText(storable(text), bytesMax) };
}

/** How a task of a worker's own is recorded when its `source` says nothing: the old workers write this into it. */
const OWN_TASK_STATUS = "reverse_signal";
const TEXT_BYTES_MAX = 256;

/**
 * The report in an entry of `strategy_input_stream` that a worker has added for itself, say to reverse a position: it names a
 * strategy and no `entry_id`, for no decision made it. Undefined for every other entry. Its `uid` is empty when the worker gave none.
 */
export function ownTaskOf({ id, fields }: Entry, stream: StreamName): WorkerReport | undefined {
  if ((fields["entry_id"] ?? "") !== "") return undefined;
  const strategy = strategyId.safeParse(fields["strategy_id"]);
  if (!strategy.success) return undefined;
  const source = storable((fields["source"] ?? "").trim()).slice(0, REPORT_STATUS_LENGTH_MAX);
  const at = new Date(entryTime(id)).toISOString();
  const record = {
    strategy_id: strategy.data,
    status: source === "" ? OWN_TASK_STATUS : source,
    detail: taskDetail(fields),
    at,
    stream,
    report_id: id,
  };
  const uid = storable((fields["log_uid"] ?? "").trim());
  return { uid: uid.length > UID_LENGTH_MAX ? "" : uid, record };
}

function taskDetail(fields: Fields): Detail {
  const shown = ["signal_id", "symbol", "direction", "side", "time", "received_at"];
  return Object.assign(
    {},
    ...shown.map((name) => textOf(name, fields[name] ?? "", TEXT_BYTES_MAX)),
  ) as Detail;
}

/** The effects that record a report under the decision its uid leads to; without a uid it is only counted. */
export function reportEffects({ uid, record }: WorkerReport): Branch {
  if (uid === "") return { append: [], count: [reportCounter("unknown")] };
  const fields = { kind: "report", entry_id: "", invocation: "", log_uid: uid, data: JSON.stringify(record) };
  return { append: [{ stream: "signal_results", fields }], count: [reportCounter("collected")] };
}

/** How long a report waits for its decision to be in the log, in ms. */
export const UNKNOWN_AFTER_MS = 3_600_000;
/** The same while more of them wait than decisions could explain: long enough for what another router has in flight. */
export const UNKNOWN_AFTER_MS_IN_FLOOD = 60_000;
