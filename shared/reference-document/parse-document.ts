import * as z from "zod";
import { messageOf } from "../error-message.ts";
import type { DocumentFault, ReferenceDocument } from "./document.ts";

/** Stands in for the reader of documents until it is merged: JSON only, faults without lines. */
export type ParsedDocument =
  | { readonly ok: true; readonly document: ReferenceDocument }
  | { readonly ok: false; readonly faults: readonly DocumentFault[] };

export function parseDocument(text: string): ParsedDocument {
  try {
    return documentFromJson(JSON.parse(text));
  } catch (error) {
    return { ok: false, faults: [{ path: "", line: 1, column: 1, message: messageOf(error) }] };
  }
}

export function documentFromJson(value: unknown): ParsedDocument {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, document: parsed.data as ReferenceDocument };
  const faults = parsed.error.issues.map(({ path, message }) => ({
    path: path
      .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
      .join("")
      .slice(1),
    message,
  }));
  return { ok: false, faults };
}

const onOff = z.enum(["enabled", "disabled"]).default("enabled");
const text = z.string();
const phrase = text.nullable().default(null);
const was = text.optional();

const schema = z.strictObject({
  tickers: z.array(z.strictObject({ symbol: text, status: onOff, trade_permission: onOff, was })).default([]),
  signals: z
    .array(
      z.strictObject({
        name: text,
        long_phrase: phrase,
        short_phrase: phrase,
        source: phrase,
        enabled: z.boolean().default(true),
        was,
      }),
    )
    .default([]),
  strategies: z
    .array(
      z.strictObject({
        name: text,
        signals: z.array(text).default([]),
        tickers: z.union([z.literal("all"), z.array(text)]).default("all"),
        handler: text.default("log"),
        params: z.record(text, z.unknown()).default({}),
        enabled: z.boolean().default(true),
        archived: z.boolean().default(false),
        allow_open: z.boolean().default(true),
        reverse: z.boolean().default(false),
        signal_age_ms_max: z.number().nullable().default(null),
        shadow: z.boolean().default(false),
        was,
      }),
    )
    .default([]),
});
