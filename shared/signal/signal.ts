import { hash } from "node:crypto";
import { entryTime, type Entry, type Fields } from "../entry.ts";
import { cleanFields, cutText, excerpt } from "../text.ts";
import { extraNotes, extraOf } from "./extra.ts";
import { hasOffsetAndZ, parseTime, TIME_FORMS } from "./time.ts";

/** Reads a signal from an entry, or everything that is wrong with it. `now` decides whether `sent_at` is in the future. */
export function parseSignal(entry: Entry, now: number): ParsedSignal {
  const { fields: raw, replaced, cut } = cleanFields(entry.fields);
  const notes: Record<string, unknown> = {};
  if (replaced.length > 0) notes["replaced_characters_in"] = replaced;
  if (cut.length > 0) notes["cut_fields"] = cut;

  const faults: FieldFault[] = [];
  const entryAt = entryTime(entry.id);
  const message = presentText(raw["message"]);
  const symbolText = presentText(raw["symbol"]);
  const symbol = symbolText === null ? null : normaliseSymbol(symbolText);
  const barTime = barTimeOf(raw, faults, notes);
  const sentAt = optionalTime("sent_at", raw["sent_at"], now + SENT_AT_AHEAD_MS_MAX, notes);
  const receivedGiven = optionalTime("received_at", raw["received_at"], Infinity, notes);
  const receivedAt = receivedGiven ?? entryAt;
  const givenUid = presentText(raw["uid"]);

  if (message === null) faults.push(missing("message", "the phrase of a signal, such as EMA_CROSS_LONG"));
  if (symbol === null) faults.push(missing("symbol", "a ticker symbol, such as BTCUSDT"));
  else if (symbol === "")
    faults.push(invalid("symbol", "a ticker symbol before the .P, such as BTCUSDT.P", symbolText));
  if (givenUid !== null && givenUid.length > UID_LENGTH_MAX) {
    faults.push(invalid("uid", `at most ${UID_LENGTH_MAX} characters, such as my-alert-1`, givenUid));
  }
  for (const [field, text] of [
    ["message", message],
    ["symbol", symbolText],
    ["uid", givenUid],
  ] as const) {
    if (text !== null && hasPlaceholder(text)) faults.push(invalid(field, FILLED_IN, text));
  }
  if (givenUid !== null && NO_VALUE.test(givenUid)) faults.push(invalid("uid", IDENTITY, givenUid));

  const source = presentText(raw["source"]);
  if (message === null || symbol === null || barTime === null || faults.length > 0) {
    const uid = faults.some(({ field }) => field === "uid") ? null : givenUid;
    const facts = { raw, uid, symbol, message, source, barTime, sentAt, receivedAt, notes };
    return { status: "rejected", faults, facts };
  }
  const phrase = foldPhrase(message);
  const uid = givenUid ?? uidOf(symbol, phrase, barTime);
  const extra = extraOf(raw);
  if (extra.leftOut.length > 0) Object.assign(notes, extraNotes(extra));
  const signal: Signal = {
    entryId: entry.id,
    raw,
    uid,
    symbol,
    message,
    phrase,
    source,
    barTime,
    sentAt,
    receivedAt,
    receivedText: receivedGiven === null ? null : presentText(raw["received_at"]),
    ageFrom: sentAt ?? entryAt,
    notes,
    extra: extra.json,
  };
  return { status: "valid", signal };
}

/** What a person needs to understand a decision or an outcome. */
export type Detail = Readonly<Record<string, unknown>>;

/** What can be read from an entry of `signals_stream`, valid or not. Times are milliseconds since 1970. */
export interface SignalFacts {
  /** The entry's fields as they arrived, with NULs replaced and over-long values cut. */
  readonly raw: Fields;
  readonly uid: string | null;
  readonly symbol: string | null;
  /** The message, trimmed. */
  readonly message: string | null;
  readonly source: string | null;
  readonly barTime: number | null;
  readonly sentAt: number | null;
  readonly receivedAt: number;
  /** What was ignored, replaced or cut. */
  readonly notes: Detail;
}

/** A validated, normalised entry of `signals_stream`. */
export interface Signal extends SignalFacts {
  readonly entryId: string;
  readonly uid: string;
  readonly symbol: string;
  readonly message: string;
  readonly barTime: number;
  /** `received_at` as the sender wrote it, trimmed; null when `receivedAt` is not from there. */
  readonly receivedText: string | null;
  /** What came along for its strategies, see {@link extraOf}. */
  readonly extra: string | null;
  /** The message folded for comparison with phrases. */
  readonly phrase: string;
  /** The moment its age is counted from: `sent_at`, else the entry id's time. */
  readonly ageFrom: number;
}

/** One fault of a field. */
export interface FieldFault {
  readonly field: string;
  readonly reason: "missing_field" | "invalid_field";
  readonly expected: string;
  readonly given?: string;
}

export type ParsedSignal =
  | { readonly status: "valid"; readonly signal: Signal }
  | { readonly status: "rejected"; readonly faults: readonly FieldFault[]; readonly facts: SignalFacts };

/** A producer's clock may be this far ahead before its `sent_at` is ignored. */
const SENT_AT_AHEAD_MS_MAX = 5_000;
const UID_LENGTH_MAX = 256;
const FILLED_IN =
  "a value such as BTCUSDT in place of the placeholder {{…}}, which the sender has not filled in";

/** Whether a placeholder of the alert was not filled in: it is the same in every alert, and a uid has to differ. */
function hasPlaceholder(text: string): boolean {
  return text.includes("{{") && /\{\{[^{}]*\}\}/.test(text);
}

const IDENTITY = "text that differs from signal to signal, not the name of a missing value";
/** What senders write where they have no value: as a uid it would make every later signal a duplicate. */
const NO_VALUE = /^(?:nan|null|undefined|none|n\/a)$/i;

/** What {@link Signal.receivedText} of the signal with these fields is. */
export function receivedTextIn(raw: Fields): string | null {
  const text = presentText(raw["received_at"]);
  return text === null || parseTime(text) === undefined ? null : text;
}

/** The form in which phrases are compared: trimmed, in lower case (via upper case, for letters like the Kelvin sign). */
export function foldPhrase(text: string): string {
  return text.trim().toUpperCase().toLowerCase();
}

/** The form in which symbols are compared: trimmed, in upper case, without TradingView's `.P` for perpetuals. */
export function normaliseSymbol(text: string): string {
  const symbol = spellingOf(text);
  return symbol.endsWith(".P") ? symbol.slice(0, -2) : symbol;
}

/** A symbol as it was sent, trimmed and in upper case: with its `.P` and the prefix of its exchange. */
export function spellingOf(text: string): string {
  return text.trim().toUpperCase();
}

/** Longest symbol in a record, in bytes: signal_log has an index on it, and Postgres' index rows end at 2,704 bytes. */
const SYMBOL_BYTES_MAX = 1_024;

/** A symbol as records have it. */
export function recordedSymbol(symbol: string): string {
  return cutText(symbol, SYMBOL_BYTES_MAX);
}

/** The whole of a symbol that a record has, from the fields of its signal; undefined where it was cut and they do not have it. */
export function wholeSymbol(recorded: string, raw: Fields): string | undefined {
  if (Buffer.byteLength(recorded) < SYMBOL_BYTES_MAX - LAST_CHARACTER_BYTES_MAX) return recorded;
  const text = raw["symbol"] ?? "";
  const behindExchange = text.slice(text.indexOf(":") + 1);
  return [text, behindExchange]
    .flatMap((spelled) => [normaliseSymbol(spelled), spellingOf(spelled)])
    .find((symbol) => recordedSymbol(symbol) === recorded);
}

/** By so much a cut text can be shorter than it may be. */
const LAST_CHARACTER_BYTES_MAX = 4;

/** Whether the signal with these fields brings its uid, so that it has the same one whatever its symbol means. */
export function bringsUid(raw: Fields): boolean {
  return presentText(raw["uid"]) !== null;
}

/** The uid of a signal that brings none: 32 hex digits of a hash over symbol, phrase and bar time. */
export function uidOf(symbol: string, phrase: string, barTime: number): string {
  return hash("sha256", JSON.stringify([symbol, phrase, barTime]), "hex").slice(0, 32);
}

/** The trimmed text; null when it is absent or empty, which means the same. */
function presentText(text: string | undefined): string | null {
  const trimmed = text?.trim();
  return trimmed === undefined || trimmed === "" ? null : trimmed;
}

function barTimeOf(raw: Fields, faults: FieldFault[], notes: Record<string, unknown>): number | null {
  const field =
    presentText(raw["bar_time"]) === null && presentText(raw["time"]) !== null ? "time" : "bar_time";
  const text = presentText(raw[field]);
  if (text === null) {
    faults.push(missing("bar_time", `the bar's time, also as \`time\`: ${TIME_FORMS}`));
    return null;
  }
  const time = parseTime(text);
  if (time === undefined) {
    faults.push(invalid(field, TIME_FORMS, text));
    return null;
  }
  noteOffsetAndZ(field, text, notes);
  return time;
}

/** A time that is not required: an unusable one counts as absent and is noted. */
function optionalTime(
  field: string,
  text: string | undefined,
  latest: number,
  notes: Record<string, unknown>,
): number | null {
  const present = presentText(text);
  if (present === null) return null;
  const time = parseTime(present);
  if (time !== undefined && time <= latest) {
    noteOffsetAndZ(field, present, notes);
    return time;
  }
  const why = time === undefined ? `not ${TIME_FORMS}` : `more than ${SENT_AT_AHEAD_MS_MAX} ms in the future`;
  notes[`${field}_ignored`] = { given: excerpt(present), why };
  return null;
}

function noteOffsetAndZ(field: string, text: string, notes: Record<string, unknown>): void {
  if (hasOffsetAndZ(text))
    notes[`${field}_has_offset_and_z`] = { given: excerpt(text), why: "the offset counts" };
}

function missing(field: string, expected: string): FieldFault {
  return { field, reason: "missing_field", expected };
}

function invalid(field: string, expected: string, given: string | null): FieldFault {
  return { field, reason: "invalid_field", expected, given: excerpt(given ?? "") };
}
