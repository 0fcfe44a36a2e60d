import type { WebhookSource } from "../reference/webhook-source.ts";
import { READ_FIELDS } from "../signal/extra.ts";
import { foldPhrase, type FieldFault } from "../signal/signal.ts";
import { memberText } from "../signal/tradingview-alert.ts";
import { parseTemplate, pathText, type BodyPath, type TemplatePart } from "../source-template.ts";
import { excerpt } from "../text.ts";
import { valueAt } from "./body-value.ts";

/**
 * What a field of the template becomes for a body: its text, undefined when the body has no value for it, or a fault. A text that
 * is only partly there is none: half a phrase would be another phrase.
 */
export function templateValue(
  field: string,
  given: WebhookSource["template"][string],
  body: unknown,
): TemplateValue {
  const { from, map, default: fallback } = typeof given === "string" ? { from: given } : given;
  const parts = partsOf(from);
  const texts: string[] = [];
  for (const part of parts) {
    const text = "text" in part ? part.text : textAt(field, part.path, body);
    if (typeof text === "object") return { fault: text };
    if (text === undefined) {
      if (fallback !== undefined) return { text: fallback };
      // Its field is required, or would be half a text.
      return READ_FIELDS.has(field) && "path" in part ? { missing: part.path } : {};
    }
    texts.push(text);
  }
  const text = texts.join("");
  return map === undefined ? { text } : mapped(field, text, map, parts);
}

export interface TemplateValue {
  readonly text?: string;
  /** The path that has no value, of a field that the router reads. */
  readonly missing?: BodyPath;
  readonly fault?: FieldFault;
}

/** The parts of a text that was checked when it was stored; one that cannot be read has none. */
export function partsOf(text: string): readonly TemplatePart[] {
  const parsed = parseTemplate(text);
  return parsed.ok ? parsed.parts : [];
}

/** The text at a path; undefined when it is absent, null or blank. */
function textAt(field: string, path: BodyPath, body: unknown): string | FieldFault | undefined {
  const value = valueAt(body, path);
  if (value === undefined || value === null) return undefined;
  const text = memberText(field, value);
  if (typeof text === "object")
    return { ...text, expected: `${text.expected} at ${placeOf(path)} of the body` };
  return text.trim() === "" ? undefined : text;
}

function mapped(
  field: string,
  text: string,
  map: Readonly<Record<string, string>>,
  parts: readonly TemplatePart[],
): TemplateValue {
  const folded = foldPhrase(text);
  const found = Object.entries(map).find(([from]) => foldPhrase(from) === folded);
  if (found !== undefined) return { text: found[1] };
  const known = Object.keys(map).slice(0, SHOWN_MAX).join(", ");
  const places = parts.flatMap((part) => ("path" in part ? [placeOf(part.path)] : [])).join(" and ");
  const expected = `one of ${excerpt(known)} at ${places} of the body, which the source's map has`;
  return { fault: { field, reason: "invalid_field", expected, given: text } };
}

const SHOWN_MAX = 10;

/** A path as templates have it. */
export function placeOf(path: BodyPath): string {
  return `{{${pathText(path)}}}`;
}
