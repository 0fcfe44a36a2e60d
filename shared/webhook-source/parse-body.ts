import { fieldsOf, type Fields } from "../entry.ts";
import { parseExactJson, repeatedNameIn } from "../exact-json.ts";
import type { WebhookSource } from "../reference/webhook-source.ts";
import { jsonFault } from "../signal/json-fault.ts";

/**
 * The alerts in a body: of format `json` the object, or each element of a list; of `form` the names and values; of `text` all of
 * it, its lines, its words, and what its lines `KEY=VALUE` say.
 */
export function parseBody(text: string, format: WebhookSource["format"]): ParsedBody {
  switch (format) {
    case "json":
      return parseJson(text);
    case "form":
      return parseForm(text);
    case "text":
      return parseText(text);
  }
}

export type ParsedBody =
  | {
      readonly ok: true;
      readonly alerts: readonly unknown[];
      /** Whether the body is a list, which is answered by a list. */
      readonly isList: boolean;
    }
  | ({ readonly ok: false } & BodyFault);

export interface BodyFault {
  readonly message: string;
  /** From 1. */
  readonly line?: number;
  readonly column?: number;
}

/** The names and values of lines `KEY=VALUE`; `other`: the first line that is none, or names a key a second time. */
export function keyValueLines(text: string): KeyValueLines {
  const flat: string[] = [];
  const seen = new Set<string>();
  let other: KeyValueLines["other"];
  for (const [index, line] of linesOf(text).entries()) {
    if (line.trim() === "") continue;
    const [, name, value] = KEY_VALUE.exec(line) ?? [];
    const isRepeated = name !== undefined && seen.has(name);
    if (name === undefined || value === undefined || isRepeated) {
      other ??= { line: index + 1, text: line.trim(), isRepeated };
      continue;
    }
    seen.add(name);
    flat.push(name, value.trim());
  }
  return { fields: fieldsOf(flat), other };
}

export interface KeyValueLines {
  readonly fields: Fields;
  readonly other: { readonly line: number; readonly text: string; readonly isRepeated: boolean } | undefined;
}

const KEY_VALUE = /^\s*([\p{L}_][\p{L}\p{N}_.-]*)\s*=(.*)$/u;

function linesOf(text: string): readonly string[] {
  return text.split(/\r\n|\r|\n/);
}

function parseJson(text: string): ParsedBody {
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { ok: false, ...faultOfJson(text) };
  }
  if (repeatedNameIn(text) !== undefined) return { ok: false, ...faultOfJson(text) };
  return Array.isArray(value)
    ? { ok: true, alerts: value, isList: true }
    : { ok: true, alerts: [value], isList: false };
}

function faultOfJson(text: string): BodyFault {
  return jsonFault(text) ?? { message: "it is no JSON" };
}

const EMPTY: BodyFault = { message: "the body is empty" };

function parseForm(text: string): ParsedBody {
  const trimmed = text.trim();
  if (trimmed === "") return { ok: false, ...EMPTY };
  if (/^[[{]/.test(trimmed)) return otherForm("JSON", "name=value&name=value");
  if (trimmed.startsWith("--")) return otherForm("multipart/form-data", "application/x-www-form-urlencoded");
  const flat: string[] = [];
  const seen = new Set<string>();
  for (const [name, value] of new URLSearchParams(trimmed)) {
    if (seen.has(name))
      return {
        ok: false,
        message: `${JSON.stringify(name)} is there a second time: expected each name once`,
      };
    seen.add(name);
    flat.push(name, value);
  }
  return { ok: true, alerts: [fieldsOf(flat)], isList: false };
}

function otherForm(found: string, expected: string): ParsedBody {
  return { ok: false, message: `it looks like ${found}: expected ${expected}` };
}

function parseText(text: string): ParsedBody {
  const trimmed = text.trim();
  if (trimmed === "") return { ok: false, ...EMPTY };
  const { fields, other } = keyValueLines(text);
  if (other?.isRepeated === true) return { ok: false, ...repeatedKey(other) };
  const lines = linesOf(trimmed).map((line) => line.trim());
  return {
    ok: true,
    alerts: [{ text: trimmed, lines, words: trimmed.split(/\s+/), fields }],
    isList: false,
  };
}

/** The fault of a key that has two lines. */
export function repeatedKey({ line, text }: NonNullable<KeyValueLines["other"]>): BodyFault {
  return {
    message: `${JSON.stringify(text)} gives a key a second value: expected each key once`,
    line,
    column: 1,
  };
}
