import { redactSecret } from "../config/redact-secret.ts";
import { fieldsOf, type Fields } from "../entry.ts";
import { parseSignal, type FieldFault } from "./signal.ts";

/**
 * The fields that an alert is published with, checked with the same rules as in routing, so that an accepted alert is always a
 * valid signal.
 */
export function readAlert(alert: Members, { secret, now, source }: IntakeOptions): IntakeAnswer {
  const given = Object.entries(alert).filter(([name, value]) => name !== "secret" && value !== null);
  if (given.length > FIELDS_MAX) {
    const expected = `at most ${FIELDS_MAX} fields`;
    const fault = { field: "", reason: "invalid_field", expected, given: `${given.length} of them` } as const;
    return { status: "refused", faults: [fault] };
  }

  const faults: FieldFault[] = [];
  const flat: string[] = [];
  for (const [member, value] of given) {
    const name = redactSecret(member, secret);
    const text = fieldText(name, value);
    if (typeof text === "string") flat.push(name, redactSecret(text, secret));
    else faults.push(text);
  }
  const ownSource = fieldsOf(flat)["source"] ?? "";
  if (ownSource.trim() === "") flat.push("source", source);
  const fields = fieldsOf([...flat, "received_at", new Date(now).toISOString()]);

  const parsed = parseSignal({ id: `${now}-0`, fields }, now);
  const known = new Set(faults.map(({ field }) => field));
  if (parsed.status === "rejected") faults.push(...parsed.faults.filter(({ field }) => !known.has(field)));
  if (parsed.status === "rejected" || faults.length > 0) return { status: "refused", faults };
  return { status: "accepted", fields, uid: parsed.signal.uid };
}

/** The members of a parsed JSON object. */
export type Members = Readonly<Record<string, unknown>>;

/** An alert as fields for `signals_stream`, or everything that is wrong with it. */
export type IntakeAnswer =
  | { readonly status: "accepted"; readonly fields: Fields; readonly uid: string }
  | { readonly status: "refused"; readonly faults: readonly FieldFault[] };

export interface IntakeOptions {
  /** WEBHOOK_SECRET, which is redacted everywhere in the alert. */
  readonly secret: string;
  /** Redis' clock, milliseconds since 1970. */
  readonly now: number;
  /** The `source` of an alert that has none. */
  readonly source: string;
}

/** More than an alert needs; each field becomes two arguments of an XADD. */
export const FIELDS_MAX = 200;

/** The fields that the router reads; others are kept as they are. */
const KNOWN: ReadonlySet<string> = new Set([
  "message",
  "symbol",
  "time",
  "bar_time",
  "sent_at",
  "received_at",
  "source",
  "uid",
]);

/** The object in a JSON text; undefined when the text is anything else. */
export function parseObject(text: string): Members | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    // JSON.parse throws only for a text that is not JSON.
    return undefined;
  }
}

/** A member's value as the text of a field, or the fault of the value. */
function fieldText(name: string, value: unknown): string | FieldFault {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const fault = { field: name, reason: "invalid_field" } as const;
  if (KNOWN.has(name)) return { ...fault, expected: "a text, number or boolean" };
  try {
    return JSON.stringify(value);
  } catch (error) {
    // JSON.parse has no limit for nesting, but JSON.stringify is limited by the stack.
    if (error instanceof RangeError) return { ...fault, expected: "less nesting" };
    throw error;
  }
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
