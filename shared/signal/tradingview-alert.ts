import { fieldsOf, type Fields } from "../entry.ts";
import { exactJson, numberText, parseExactJson } from "../exact-json.ts";
import { READ_FIELDS } from "./extra.ts";
import { parseSignal, type FieldFault, type Signal } from "./signal.ts";

/**
 * The fields that an alert is published with, checked with the same rules as in routing, so that an accepted alert is always a
 * valid signal.
 */
export function readAlert(alert: Members, { redact, now, source }: IntakeOptions): IntakeAnswer {
  const given = Object.entries(alert).filter(([name, value]) => name !== "secret" && value !== null);
  if (given.length > FIELDS_MAX) {
    const expected = `at most ${FIELDS_MAX} fields, such as message, symbol and time`;
    const fault = { field: "", reason: "invalid_field", expected, given: `${given.length} of them` } as const;
    return { status: "refused", faults: [fault] };
  }

  const faults: FieldFault[] = [];
  const flat: string[] = [];
  for (const [member, value] of given) {
    const name = redact(member);
    const text = memberText(name, value);
    if (typeof text === "string") flat.push(name, redact(text));
    else faults.push(text);
  }
  const ownSource = fieldsOf(flat)["source"] ?? "";
  if (ownSource.trim() === "") flat.push("source", source);
  const fields = fieldsOf([...flat, "received_at", new Date(now).toISOString()]);

  const parsed = parseSignal({ id: `${now}-0`, fields }, now);
  const known = new Set(faults.map(({ field }) => field));
  const isKnown = ({ field, reason }: FieldFault): boolean =>
    known.has(field) || (field === "bar_time" && reason === "missing_field" && known.has("time"));
  if (parsed.status === "rejected") faults.push(...parsed.faults.filter((fault) => !isKnown(fault)));
  if (parsed.status === "rejected" || faults.length > 0) return { status: "refused", faults };
  return { status: "accepted", fields, signal: parsed.signal };
}

/** The members of a parsed JSON object. */
export type Members = Readonly<Record<string, unknown>>;

/** An alert as fields for `signals_stream`, or everything that is wrong with it. */
export type IntakeAnswer =
  | { readonly status: "accepted"; readonly fields: Fields; readonly signal: Signal }
  | { readonly status: "refused"; readonly faults: readonly FieldFault[] };

export interface IntakeOptions {
  /** A text without the secrets of webhooks. */
  readonly redact: (text: string) => string;
  /** Redis' clock, milliseconds since 1970. */
  readonly now: number;
  /** The `source` of an alert that has none. */
  readonly source: string;
}

/** More than an alert needs; each field becomes two arguments of an XADD. */
export const FIELDS_MAX = 200;

/** Those whose number is a time: its value counts, not how it is written. */
const TIMES: ReadonlySet<string> = new Set(["time", "bar_time", "sent_at"]);

/** The object in a JSON text, read by {@link parseExactJson}; undefined when the text is anything else, or nested too deep. */
export function parseObject(text: string): Members | undefined {
  try {
    const value = parseExactJson(text);
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A member's value as the text of a field, or the fault of the value. */
export function memberText(name: string, value: unknown): string | FieldFault {
  if (typeof value === "string") return value;
  const digits = numberText(value);
  // Such as 1.7e9, which is no form of a time.
  if (digits !== undefined && TIMES.has(name) && /e/i.test(digits)) return String(Number(digits));
  if (digits !== undefined) return digits;
  if (typeof value === "boolean") return String(value);
  if (!READ_FIELDS.has(name)) return exactJson(value);
  return {
    field: name,
    reason: "invalid_field",
    expected: 'a text, number or boolean, such as "BTCUSDT"',
  };
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
