import { isLosslessNumber, isSafeNumber, parse, stringify } from "lossless-json";

/**
 * JSON of other programs, whose numbers keep their digits: JavaScript's own parser turns 9007199254740993 into
 * 9007199254740992, and two ids into one.
 */

/** Deepest nesting of lists and objects that is read: parser and writer call themselves for each level. */
export const NESTING_MAX = 500;

/**
 * The value of a JSON text. Numbers are objects that {@link numberText} reads and {@link exactJson} writes as they were written. Of
 * a name that an object has twice the last value counts. @throws SyntaxError when the text is not JSON or nested deeper than NESTING_MAX
 */
export function parseExactJson(text: string): unknown {
  assertNesting(text);
  return parse(text, null, { onDuplicateKey: ({ newValue }) => newValue });
}

/** Where {@link parseExactJson} finds that a text is not JSON, from 0; undefined when it is. */
export function syntaxFaultAt(text: string): number | undefined {
  try {
    parseExactJson(text);
    return undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const [, position] = /at position (\d+)$/.exec(error.message) ?? [];
    return Number(position ?? text.length);
  }
}

/** The first name that an object of a JSON text has a second time, and where, from 0. */
export function repeatedNameIn(text: string): { readonly name: string; readonly at: number } | undefined {
  const open: (Set<string> | undefined)[] = [];
  for (const { 0: token, 1: colon, index: at } of text.matchAll(TOKENS)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (colon !== undefined) {
      const quoted = token.slice(0, -colon.length);
      const name = quoted.includes("\\") ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
      const names = open.at(-1);
      if (names?.has(name) === true) return { name, at };
      names?.add(name);
    }
  }
  return undefined;
}

/** Texts, those that are names with their colon, and where lists and objects begin and end. */
const TOKENS = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/gs;

/** The digits of a number that {@link parseExactJson} gave; undefined for any other value. */
export function numberText(value: unknown): string | undefined {
  return isLosslessNumber(value) ? value.value : undefined;
}

/** The JSON of a value, with the numbers of {@link parseExactJson} as they were written. */
export function exactJson(value: unknown): string {
  return stringify(value) ?? "null";
}

/** A number of at least 16 digits, or with an exponent: the only ones JavaScript may change. It may also be part of a text. */
const MAYBE_CHANGED = /(?:^|[:,[])\s*-?(?:[\d.]{16}|\d[\d.]*[eE])/;

/**
 * The value of a JSON text in JavaScript's own types. A number that JavaScript would change is given as a text of its digits,
 * so that no later reader changes it either. @throws SyntaxError when the text is not JSON
 */
export function parseSafeJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (!MAYBE_CHANGED.test(text)) return value;
  assertNesting(text);
  const parseNumber = (digits: string): unknown => (isSafeNumber(digits) ? Number(digits) : digits);
  return parse(text, null, { parseNumber, onDuplicateKey: ({ newValue }) => newValue });
}

function assertNesting(text: string): void {
  let depth = 0;
  let isInText = false;
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i];
    if (isInText) {
      if (char === "\\") i += 1;
      else if (char === '"') isInText = false;
    } else if (char === '"') isInText = true;
    else if (char === "[" || char === "{") {
      depth += 1;
      if (depth > NESTING_MAX)
        throw new SyntaxError(`nested deeper than ${NESTING_MAX} levels at position ${i}`);
    } else if (char === "]" || char === "}") depth -= 1;
  }
}
