import * as z from "zod";
import type { Extra } from "./signal/extra.ts";

/**
 * Schemas for params that may refer to what came along with the signal, as `"quantity": "{{extra.qty}}"` does. When the reference is
 * read only the form is checked; the value is put in per task, see {@link withExtra}. Addresses, secrets and headers have none: the
 * sender of a signal must not choose where an order goes.
 */

/** A number: its digits as they are written, `-?digits[.digits]`, as a text. Given as such, as a JSON number, or as a reference. */
export function extraNumber(): z.ZodType<string> {
  return z.union([z.string(), z.number().transform(String)], NUMBER_EXPECTED).transform((text, context) => {
    const reference = referenceIn(text, "number");
    if (reference === undefined && !NUMBER.test(text)) return refuse(context, NUMBER_EXPECTED);
    return reference ?? text;
  }) as unknown as z.ZodType<string>;
}

/** A text, given as such or as a reference. */
export function extraText(): z.ZodType<string> {
  return z.string(TEXT_EXPECTED).transform((text, context) => {
    const reference = referenceIn(text, "text");
    if (reference === undefined && text.includes("{{")) return refuse(context, TEXT_EXPECTED);
    return reference ?? text;
  }) as unknown as z.ZodType<string>;
}

/** The params with what came along in place of the references, or the first that cannot be put in. */
export function withExtra<Params>(params: Params, extra: Extra): ParamsWithExtra<Params> {
  let fault: string | undefined;
  const resolved = (value: unknown): unknown => {
    if (value instanceof ExtraReference) {
      const { name, kind } = value;
      const text = Object.hasOwn(extra, name) ? extra[name] : undefined;
      if (text !== undefined && (kind === "text" || NUMBER.test(text))) return text;
      const expected = kind === "number" ? "expected a number such as 1.5" : "expected a text";
      fault ??= `extra.${name}: ${expected}, ${text === undefined ? "but it did not come along" : `got ${JSON.stringify(text)}`}`;
      return "";
    }
    if (Array.isArray(value)) return value.map(resolved);
    if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype)
      return value;
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, resolved(part)]));
  };
  const made = resolved(params) as Params;
  return fault === undefined ? { ok: true, params: made } : { ok: false, fault };
}

export type ParamsWithExtra<Params> =
  | { readonly ok: true; readonly params: Params }
  /** Names the field and the value. */
  | { readonly ok: false; readonly fault: string };

/** Whether a text would be a reference in a param that may have one. */
export function refersToExtra(text: string): boolean {
  return /\{\{\s*extra\./.test(text);
}

class ExtraReference {
  readonly name: string;
  readonly kind: "number" | "text";

  constructor(name: string, kind: "number" | "text") {
    this.name = name;
    this.kind = kind;
  }
}

const NUMBER = /^-?\d+(?:\.\d+)?$/;
const REFERENCE = /^\{\{\s*extra\.([^{}]{1,100}?)\s*\}\}$/;
const NUMBER_EXPECTED =
  "expected a number such as 1.5, or {{extra.<field>}} for one that comes along with the signal";
const TEXT_EXPECTED = "expected a text, or {{extra.<field>}} alone for one that comes along with the signal";

function referenceIn(text: string, kind: "number" | "text"): ExtraReference | undefined {
  const [, name] = REFERENCE.exec(text) ?? [];
  return name === undefined ? undefined : new ExtraReference(name, kind);
}

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}
