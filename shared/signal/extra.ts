import { fieldsOf, type Fields } from "../entry.ts";
import { excerpt } from "../text.ts";

/**
 * What came along with a signal for its strategies, such as price, size and stop: the fields that the router does not read, as the
 * JSON of an object of texts, in the order in which they came. `json` is null when there are none.
 */
export function extraOf(raw: Fields): SignalExtra {
  let count = 0;
  let json = "";
  let leftOut: string[] | undefined;
  for (const name in raw) {
    if (READ_FIELDS.has(name) || name === BODY_FIELD) continue;
    const value = raw[name] ?? "";
    if (value.trim() === "") continue;
    if (count < EXTRA_COUNT_MAX && isUpTo(value, VALUE_BYTES_MAX)) {
      const longer = `${json}${json === "" ? "{" : ","}${JSON.stringify(name)}:${JSON.stringify(value)}`;
      if (isUpTo(longer, JSON_BYTES_MAX - 1)) {
        count += 1;
        json = longer;
        continue;
      }
    }
    leftOut ??= [];
    if (leftOut.length < EXTRA_COUNT_MAX) leftOut.push(name);
  }
  return { json: json === "" ? null : `${json}}`, leftOut: leftOut ?? NONE };
}

/**
 * What a decision notes of it: where something is left out, the log has to say what was not, since it keeps no order of fields.
 */
export function extraNotes({ json, leftOut }: SignalExtra): ExtraNotes {
  if (leftOut.length === 0) return {};
  const kept = json === null ? {} : { extra_kept: Object.keys(parseExtra(json) ?? {}) };
  return { ...kept, extra_left_out: leftOut.map(excerpt) };
}

interface ExtraNotes {
  readonly extra_kept?: readonly string[];
  readonly extra_left_out?: readonly string[];
}

/** The fields of a signal from the log, in such an order that {@link extraOf} them is what it was, by the detail of its decision. */
export function withNotedOrder(raw: Fields, detail: Readonly<Record<string, unknown>>): Fields {
  const leftOut = textsIn(detail["extra_left_out"]);
  if (leftOut.length === 0) return raw;
  const placeOf = new Map(leftOut.map((name, place) => [name, place]));
  const place = (name: string): number => placeOf.get(excerpt(name)) ?? leftOut.length;
  const others = Object.keys(raw).toSorted((a, b) => place(a) - place(b));
  return inOrder(raw, [...textsIn(detail["extra_kept"]), ...others]);
}

/** The fields in the order of these names; those without a name here come last. */
export function inOrder(raw: Fields, names: readonly string[]): Fields {
  const present = new Set([...names, ...Object.keys(raw)]);
  return fieldsOf([...present].flatMap((name) => (Object.hasOwn(raw, name) ? [name, raw[name] ?? ""] : [])));
}

function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : NONE;
}

export interface SignalExtra {
  readonly json: string | null;
  /** Names of fields that are too many or too long, the first of them: half a number would be another number. */
  readonly leftOut: readonly string[];
}

/** The texts by name, from the JSON of {@link extraOf}; undefined when it is none. */
export function parseExtra(json: string): Extra | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.values(value).every((text) => typeof text === "string") ? (value as Extra) : undefined;
}

/** What came along with a signal, text by name of the field. */
export type Extra = Readonly<Record<string, string>>;

export const NO_EXTRA: Extra = {};

/** Most fields that go along, and most bytes of one and of all together. */
export const EXTRA_COUNT_MAX = 32;
const VALUE_BYTES_MAX = 512;
const JSON_BYTES_MAX = 4_096;

const NONE: readonly string[] = [];

/** The fields of a signal that the router reads itself. */
export const READ_FIELDS: ReadonlySet<string> = new Set([
  "message",
  "symbol",
  "bar_time",
  "time",
  "sent_at",
  "received_at",
  "source",
  "uid",
]);

/** The body that a signal was made from by a webhook source: kept for people, and not for strategies. */
export const BODY_FIELD = "body";

function isUpTo(text: string, bytesMax: number): boolean {
  return text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax;
}
