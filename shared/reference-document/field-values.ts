import { excerpt, printable, storable } from "../text.ts";
import { AGE_MS_MAX, NAME_BYTES_MAX, PARAMS_NESTING_MAX, type DocumentField } from "./document-fields.ts";
import type { DocumentFault } from "./document.ts";
import { faultAt, type SourceNode } from "./source-node.ts";

/** Checks the value of a field; each fault says what was found, what is expected and what to do. */
export type ReadValue = (node: SourceNode, faults: DocumentFault[]) => unknown;

/** How each kind of field is read. What is read where there is a fault does not count. */
export const FIELD_READERS: Readonly<Record<DocumentField["kind"], ReadValue>> = {
  symbol: nameIn,
  name: nameIn,
  was: nameIn,
  "optional text": (node, faults) =>
    node.kind === "null" ? null : textIn(node, faults, "text, or null for none"),
  switch: (node, faults) =>
    node.kind === "text" && (node.text === "enabled" || node.text === "disabled")
      ? node.text
      : refuse(node, faults, "expected enabled or disabled"),
  flag: (node, faults) =>
    node.kind === "boolean" ? node.boolean : refuse(node, faults, "expected true or false, without quotes"),
  age: (node, faults) => {
    if (node.kind === "null") return null;
    const isAge =
      node.kind === "number" &&
      Number.isInteger(node.number) &&
      node.number >= 0 &&
      node.number <= AGE_MS_MAX;
    return isAge
      ? node.number
      : refuse(
          node,
          faults,
          `expected milliseconds: a whole number from 0 to ${AGE_MS_MAX}, or null for no limit of its own`,
        );
  },
  names: (node, faults) => namesIn(node, faults, "a list of names, such as [EMA cross]; [] for none"),
  tickers: (node, faults) =>
    node.kind === "text" && node.text === "all"
      ? "all"
      : namesIn(node, faults, "all, or a list of symbols, such as [BTCUSDT]; [] for none"),
  params: (node, faults) =>
    node.kind === "map"
      ? paramIn(node, faults, 0)
      : refuse(node, faults, "expected names with values, such as { url: https://… }; {} for none"),
  exchanges: exchangesIn,
  "source name": (node, faults) => {
    const name = nameIn(node, faults);
    return typeof name !== "string" || SOURCE_NAME.test(name)
      ? name
      : refuse(node, faults, "expected lower case letters, digits and hyphens, such as my-screener");
  },
  format: (node, faults) =>
    node.kind === "text" && (node.text === "json" || node.text === "text" || node.text === "form")
      ? node.text
      : refuse(node, faults, "expected json, text or form"),
  template: (node, faults) =>
    node.kind === "map"
      ? textsIn(node, faults, (value) => ruleIn(value, faults))
      : refuse(node, faults, `expected fields of a signal, such as ${TEMPLATE_EXAMPLE}`),
};

const SOURCE_NAME = /^[a-z0-9][a-z0-9-]*$/;
const TEMPLATE_EXAMPLE = '{ symbol: "{{ticker}}", message: "{{text}}" }';

function nameIn(node: SourceNode, faults: DocumentFault[]): unknown {
  const text = textIn(node, faults, "text");
  if (typeof text !== "string") return undefined;
  if (text.trim() === "") return refuse(node, faults, "expected text that is not blank");
  if (Buffer.byteLength(text) > NAME_BYTES_MAX)
    return refuse(node, faults, `expected at most ${NAME_BYTES_MAX} bytes`);
  return text;
}

function exchangesIn(node: SourceNode, faults: DocumentFault[]): unknown {
  if (node.kind === "null") return null;
  if (node.kind === "text" && node.text === "*") return "*";
  const expected = 'a list of exchanges, such as [BINANCE], "*" for any, or null for none';
  if (node.kind !== "list") return refuse(node, faults, `expected ${expected}`);
  const seen = new Set<string>();
  return node.items.map((item) => {
    const name = nameIn(item, faults);
    if (typeof name !== "string") return undefined;
    if (/[:*]/.test(name))
      return refuse(item, faults, "expected the name of an exchange before the colon, such as BINANCE");
    const normal = name.trim().toUpperCase();
    if (seen.has(normal)) return refuse(item, faults, "it is in this list already: keep one of them");
    seen.add(normal);
    return name;
  });
}

/** What becomes of one field of a signal. */
function ruleIn(node: SourceNode, faults: DocumentFault[]): unknown {
  const expected = 'text with {{path}}, or { from: "{{path}}", map: { buy: A_PHRASE }, default: text }';
  if (node.kind !== "map") return textIn(node, faults, expected);
  if (node.entries.every(({ key }) => key !== "from"))
    refuse(node, faults, "its `from` is missing: the text with {{path}} that it is made from");
  const known = ["from", "map", "default"];
  for (const { key, at } of node.entries)
    if (!known.includes(key))
      faults.push(faultAt(at, `${printable(excerpt(key))} is not known here; there are ${known.join(", ")}`));
  return textsIn(node, faults, (value, key) => {
    if (key !== "map") return textIn(value, faults, "text");
    return value.kind === "map"
      ? textsIn(value, faults, (text) => textIn(text, faults, "text"))
      : refuse(value, faults, "expected texts by texts, such as { buy: A_PHRASE }");
  });
}

function textsIn(
  { entries }: Extract<SourceNode, { readonly kind: "map" }>,
  faults: DocumentFault[],
  read: (value: SourceNode, key: string) => unknown,
): unknown {
  return Object.fromEntries(
    entries.map(({ key, at, value }) => {
      if (storable(key) !== key)
        faults.push(faultAt(at, "this name has a NUL character or half a character"));
      return [key, read(value, key)];
    }),
  );
}

function namesIn(node: SourceNode, faults: DocumentFault[], expected: string): unknown {
  return node.kind === "list"
    ? node.items.map((item) => nameIn(item, faults))
    : refuse(node, faults, `expected ${expected}`);
}

/** Values that are not text although they may look like it are never made text: which text it was is no longer known. */
function textIn(node: SourceNode, faults: DocumentFault[], expected: string): string | undefined {
  if (node.kind === "text")
    return storable(node.text) === node.text
      ? node.text
      : refuse(node, faults, "it has a NUL character or half a character, which Postgres cannot store");
  const written = "written" in node ? node.written : "";
  const hint = written === "" ? "" : `. If it is text, put it in quotes: "${printable(excerpt(written))}"`;
  return refuse(node, faults, `expected ${expected}${hint}`);
}

/** A value of params. Faults do not repeat it: params may have anything in them. */
function paramIn(node: SourceNode, faults: DocumentFault[], depth: number): unknown {
  const say = (message: string): undefined => {
    faults.push(faultAt(node, message));
  };
  switch (node.kind) {
    case "text":
      return storable(node.text) === node.text
        ? node.text
        : say("this text has a NUL character or half a character, which Postgres cannot store");
    case "number":
      return numberIn(node) ?? say(NUMBER_TOO_LONG);
    case "boolean":
      return node.boolean;
    case "null":
      return null;
    case "unclear":
      return say(
        `without quotes it may be read as ${node.meaning}: put it in quotes if it is text, or write it as JSON does (true, 10, 0.5)`,
      );
    case "refused":
      return undefined;
    case "list":
    case "map":
      break;
  }
  if (depth > PARAMS_NESTING_MAX) return say(`nested more than ${PARAMS_NESTING_MAX} levels deep`);
  if (node.kind === "list") return node.items.map((item) => paramIn(item, faults, depth + 1));
  return Object.fromEntries(
    node.entries.map(({ key, at, value }) => {
      if (storable(key) !== key)
        faults.push(faultAt(at, "this name has a NUL character or half a character"));
      return [key, paramIn(value, faults, depth + 1)];
    }),
  );
}

const NUMBER_TOO_LONG =
  "this number would not be kept as it is written (whole numbers are up to 2^53, 9007199254740991; others have up to 15 digits): put it in quotes, if the handler takes text";

/** The number, if a reader of JSON keeps all digits that were written. */
function numberIn({ number, written }: { readonly number: number; readonly written: string }) {
  if (!Number.isFinite(number) || (Number.isInteger(number) && !Number.isSafeInteger(number)))
    return undefined;
  // Minus zero is written as 0.
  return isKept(written, number) ? number + 0 : undefined;
}

/** Whether the digits are those that JavaScript writes for the number, apart from zeros and the exponent. */
function isKept(written: string, number: number): boolean {
  const digitsOf = (text: string): string =>
    text
      .replace(/[eE].*$/, "")
      .replaceAll(/[-.]/g, "")
      .replace(/^0+/, "")
      .replace(/0+$/, "");
  return digitsOf(written) === digitsOf(String(number));
}

function refuse(node: SourceNode, faults: DocumentFault[], expected: string): undefined {
  if (node.kind !== "refused") faults.push(faultAt(node, `${foundText(node)}; ${expected}`));
}

/** What stands there, for people. */
function foundText(node: SourceNode): string {
  switch (node.kind) {
    case "text":
      return `found ${JSON.stringify(printable(excerpt(node.text)))}`;
    case "number":
      return `found the number ${node.written}`;
    case "boolean":
      return `found ${node.written}, which is true or false and not text`;
    case "null":
      return node.written === "" ? "found nothing" : `found ${node.written}, which means nothing`;
    case "unclear":
      return `found ${printable(excerpt(node.written))} without quotes, which may be read as ${node.meaning}`;
    case "list":
      return "found a list";
    case "map":
      return "found a list of fields";
    case "refused":
      return "found something else";
  }
}
