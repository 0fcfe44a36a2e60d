import type { Fields } from "../entry.ts";

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
