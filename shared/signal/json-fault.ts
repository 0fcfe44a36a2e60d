import { NESTING_MAX, repeatedNameIn, syntaxFaultAt } from "../exact-json.ts";
import { cutText } from "../text.ts";

/** Where a text that a person wrote as JSON is none, and what to do about it; undefined when nothing is wrong. */
export function jsonFault(text: string): JsonFault | undefined {
  const at = syntaxFaultAt(text);
  if (at !== undefined) {
    const cause = causeAt(text, at);
    return { ...placeOf(text, cause.at ?? at), message: cause.message };
  }
  const repeated = repeatedNameIn(text);
  if (repeated === undefined) return undefined;
  const message = `${shown(repeated.name)} is there a second time: expected each name once, so that it is clear which value counts`;
  return { ...placeOf(text, repeated.at), message };
}

export interface JsonFault {
  /** From 1. */
  readonly line: number;
  /** In characters, from 1. */
  readonly column: number;
  readonly message: string;
}

interface Cause {
  readonly message: string;
  /** Where it is, if that is not where the parser stopped. */
  readonly at?: number;
}

const SHOWN_BYTES_MAX = 40;
/** The end of a text in which a number is looked for: in all of it, digits would be searched from each of them. */
const NUMBER_LENGTH_MAX = 100;
const CURLY_QUOTES = /^[“”„‟‘’‚‛«»`´]/;
/** What senders write where they have no value. */
const NO_VALUE = /^[+-]?(?:nan|inf(?:inity)?|none|null|undefined|n\/a|true|false)\b/i;

function causeAt(text: string, at: number): Cause {
  const rest = text.slice(at);
  const before = text.slice(0, at);
  const [character = ""] = rest;
  if (rest.trim() === "") return endCause(text);
  if (/[[{]/.test(character) && depthAt(before) >= NESTING_MAX)
    return { message: `lists and objects are nested deeper than ${NESTING_MAX} levels` };
  if (depthAt(before) === 0 && before.trim() !== "")
    return { message: `found ${shown(rest)} after the end: expected one object and nothing behind it` };
  if (CURLY_QUOTES.test(rest))
    return { message: `found the typographic quote ${character}: expected the straight one, "` };
  if (character === "'") return { message: `found the quote ': expected the double one, "` };
  if (/^[\n\r\t]/.test(rest) && isInText(before)) {
    const what = character === "\t" ? "a tab" : "a line break";
    return {
      message: `found ${what} inside a text: expected ${character === "\t" ? "\\t" : "\\n"} there, or the text in one line`,
    };
  }
  const comma = /,\s*$/.exec(before);
  if (comma !== null && /^[}\]]/.test(rest))
    return { message: `found a comma before the ${character}: delete it`, at: comma.index };
  const open = before.endsWith("{") ? at - 1 : at;
  if (text.startsWith("{{", open)) {
    const placeholder = shown(/^\{*[^}]*\}*/.exec(text.slice(open))?.[0] ?? "");
    return { message: `found the placeholder ${placeholder} without quotes: put it in quotes, as text` };
  }
  const number = /\d+$/.exec(before.slice(-NUMBER_LENGTH_MAX).replace(/,\s*$/, ""));
  if (comma !== null && number !== null && /^\d/.test(rest)) {
    const from = Math.max(0, before.length - NUMBER_LENGTH_MAX) + number.index;
    return {
      message: `found the number ${shown(numberAt(text, from))} with a comma in it: put it in quotes, or have it sent without`,
      at: from,
    };
  }
  if (NO_VALUE.test(rest))
    return {
      message: `found ${shown(wordOf(rest))}, which is no value of JSON: put its placeholder in quotes, such as "close": "{{close}}"`,
    };
  if (/^[+.\d-]/.test(rest) || /[\d.]$/.test(before))
    return {
      message: `found a number as JSON has none (${shown(numberAt(text, startOfNumber(before)))}): put it in quotes, as text`,
    };
  if (rest.startsWith("\\") || before.endsWith("\\"))
    return { message: `found a backslash that begins no escape of JSON: expected \\\\ for a backslash` };
  if (/^[\p{L}_$]/u.test(rest))
    return {
      message: `found ${shown(wordOf(rest))} without quotes: expected text in double quotes, or a comma before it`,
    };
  return {
    message: `found ${shown(character)}, which cannot stand there: a comma, a colon or a quote before it is missing`,
  };
}

function endCause(text: string): Cause {
  if (text.trim() === "") return { message: "the body is empty: expected an object" };
  if (isInText(text))
    return { message: 'the text ends before its closing quote ": expected it, and a } at the end' };
  return { message: "it ends too early: a closing } is missing" };
}

/** Whether a place is inside a text in quotes. */
function isInText(before: string): boolean {
  return before.replaceAll(/\\./gs, "").split('"').length % 2 === 0;
}

function depthAt(before: string): number {
  // The last text may not end: looked for from each of its quotes, that would take the square of the time.
  const marks = before.replaceAll(/"(?:[^"\\]|\\.?)*(?:"|$)/gs, "");
  return marks.split(/[[{]/).length - marks.split(/[\]}]/).length;
}

function wordOf(text: string): string {
  return /^[^\s,:}\]"]+/.exec(text)?.[0] ?? "";
}

function startOfNumber(before: string): number {
  return before.length - (/[+\-.\deE]*$/.exec(before.slice(-NUMBER_LENGTH_MAX))?.[0].length ?? 0);
}

function numberAt(text: string, from: number): string {
  return /^[+\-.,\deE]+/.exec(text.slice(from))?.[0].replace(/,$/, "") ?? "";
}

function placeOf(text: string, at: number): { readonly line: number; readonly column: number } {
  const lines = text.slice(0, at).split(/\r\n|\r|\n/);
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}

function shown(text: string): string {
  return `\`${cutText(text.split("\n", 1)[0] ?? "", SHOWN_BYTES_MAX)}\``;
}
