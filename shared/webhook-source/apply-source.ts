import type { WebhookSource } from "../reference/webhook-source.ts";
import type { FieldFault } from "../signal/signal.ts";
import { memberText, readAlert, type IntakeAnswer, type IntakeOptions } from "../signal/tradingview-alert.ts";
import { pathsIn, pathText } from "../source-template.ts";
import { excerpt } from "../text.ts";
import { valueAt } from "./body-value.ts";
import { isTimeText, sourceUid, uidTextFault } from "./source-uid.ts";
import { partsOf, placeOf, templateValue } from "./template-value.ts";

/** One alert of a body as the fields of a signal, by the template of its source, or everything that is wrong with it. */
export function applySource(source: WebhookSource, alert: unknown, options: SourceOptions): IntakeAnswer {
  const faults: FieldFault[] = [];
  const members: [string, string][] = [];
  for (const [field, given] of Object.entries(source.template)) {
    const { text, missing, fault } = templateValue(field, given, alert);
    if (fault !== undefined) faults.push(redacted(fault, options));
    else if (text !== undefined) members.push([field, text]);
    else if (missing !== undefined && REQUIRED.has(field))
      faults.push({ field, reason: "missing_field", expected: `a value at ${placeOf(missing)} of the body` });
  }
  const hasOwnTime = TIMES.some((field) => Object.hasOwn(source.template, field));
  if (!hasOwnTime) members.push(["bar_time", new Date(options.arrivalTime).toISOString()]);
  const uid = source.uid === undefined ? undefined : uidTexts(source.uid, alert, options);
  if (uid !== undefined) faults.push(...uid.faults);

  const answer = readAlert(Object.fromEntries(members), options);
  if (answer.status === "refused") {
    const known = new Set(faults.map(({ field }) => field));
    const isKnown = ({ field }: FieldFault): boolean =>
      known.has(field) || (field === "bar_time" && known.has("time"));
    return { status: "refused", faults: [...faults, ...answer.faults.filter((fault) => !isKnown(fault))] };
  }
  if (faults.length > 0) return { status: "refused", faults };
  if (uid === undefined) return answer;
  return withSourceUid(answer, {
    source: options.source,
    texts: uid.texts,
    hasTime: !hasOwnTime || refersToTime(source) || uid.texts.some(isTimeText),
  });
}

export interface SourceOptions extends IntakeOptions {
  /** The bar time of an alert without one, milliseconds since 1970: the same when the alert is sent again. */
  readonly arrivalTime: number;
}

/** The accepted alert with the hashed uid of its source. */
export function withSourceUid(
  answer: Extract<IntakeAnswer, { status: "accepted" }>,
  parts: Omit<Parameters<typeof sourceUid>[0], "signal">,
): IntakeAnswer {
  const uid = sourceUid({ ...parts, signal: answer.signal });
  const fields = { ...answer.fields, uid };
  return { ...answer, fields, signal: { ...answer.signal, uid, raw: fields } };
}

/** The fault without secrets, and no longer than a person reads. */
export function redacted(fault: FieldFault, { redact }: Pick<IntakeOptions, "redact">): FieldFault {
  return fault.given === undefined ? fault : { ...fault, given: excerpt(redact(fault.given)) };
}

const TIMES = ["time", "bar_time"] as const;
const REQUIRED: ReadonlySet<string> = new Set(["message", "symbol", ...TIMES]);

function uidTexts(
  template: string,
  alert: unknown,
  options: SourceOptions,
): { readonly texts: readonly string[]; readonly faults: readonly FieldFault[] } {
  const texts: string[] = [];
  const faults: FieldFault[] = [];
  for (const part of partsOf(template)) {
    if ("text" in part) continue;
    const value = valueAt(alert, part.path);
    const found = value === undefined || value === null ? "" : memberText("", value);
    const text = typeof found === "string" ? found : "";
    const fault = uidTextFault(text);
    if (fault === undefined) texts.push(text);
    else faults.push(redacted(uidFault(placeOf(part.path), fault, text), options));
  }
  return { texts, faults };
}

function uidFault(place: string, why: string, given: string): FieldFault {
  const expected = `a value at ${place} of the body that tells signals apart: it ${why}`;
  if (given === "") return { field: "uid", reason: "missing_field", expected };
  return { field: "uid", reason: "invalid_field", expected, given };
}

/** Whether the uid has all the values that a time of the signal is made from: of a date and a time of day both. */
function refersToTime({ uid = "", template }: WebhookSource): boolean {
  const named = new Set(pathsIn(uid).map(pathText));
  return ["time", "bar_time", "sent_at"].some((field) => {
    const given = Object.hasOwn(template, field) ? template[field] : undefined;
    if (given === undefined) return false;
    const paths = pathsIn(typeof given === "string" ? given : given.from);
    return paths.length > 0 && paths.every((path) => named.has(pathText(path)));
  });
}
