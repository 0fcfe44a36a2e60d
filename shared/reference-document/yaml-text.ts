import { yamlText } from "./plain-value.ts";

/** Writes plain values as YAML in blocks, one value a line; lists of texts in brackets while they fit on a line. */
export function yamlLines(value: unknown, indent: string): readonly string[] {
  if (Array.isArray(value)) return (value as unknown[]).flatMap((item) => itemLines(item, indent));
  return Object.entries(value as object).flatMap(([key, one]: [string, unknown]) =>
    entryLines(key, one, indent),
  );
}

const COLUMNS_MAX = 100;
/** Readers refuse a longer key before a colon on the same line. */
const KEY_LENGTH_MAX = 1_000;

function itemLines(item: unknown, indent: string): readonly string[] {
  const short = onOneLine(item);
  if (short !== undefined) return [`${indent}- ${short}`];
  const [first = "", ...rest] = yamlLines(item, `${indent}  `);
  return [`${indent}- ${first.trimStart()}`, ...rest];
}

function entryLines(key: string, value: unknown, indent: string): readonly string[] {
  const text = yamlText(key);
  const isLong = text.length > KEY_LENGTH_MAX;
  const head = isLong ? `${indent}:` : `${indent}${text}:`;
  const before = isLong ? [`${indent}? ${text}`] : [];
  const short = onOneLine(value, COLUMNS_MAX - head.length);
  return short === undefined
    ? [...before, head, ...yamlLines(value, `${indent}  `)]
    : [...before, `${head} ${short}`];
}

/** A value that needs no lines of its own; undefined for one that does. */
function onOneLine(value: unknown, columnsMax = COLUMNS_MAX): string | undefined {
  if (typeof value === "string") return yamlText(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Object.keys(value).length === 0) return Array.isArray(value) ? "[]" : "{}";
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) return undefined;
  const line = `[${value.map(yamlText).join(", ")}]`;
  return line.length < columnsMax ? line : undefined;
}
