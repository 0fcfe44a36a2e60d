import type { Fields } from "./entry.ts";

/** Makes fields fit for the record: replaces and cuts what it cannot hold. Returns the same object when nothing changes. */
export function cleanFields(fields: Fields): CleanFields {
  let clean = true;
  for (const name in fields) {
    if (!isClean(name) || !isClean(fields[name] ?? "")) {
      clean = false;
      break;
    }
  }
  return clean ? { fields, replaced: NONE, cut: NONE } : cleaned(fields);
}

/** Fields that the record can hold, and what was changed in them. */
export interface CleanFields {
  readonly fields: Fields;
  /** Names of fields with NUL characters or broken surrogates, replaced by U+FFFD: Postgres takes neither. */
  readonly replaced: readonly string[];
  /** Names of fields cut at {@link FIELD_BYTES_MAX}. */
  readonly cut: readonly string[];
}

const NONE: readonly string[] = [];

/** Longest name or value of a field that the record keeps, in bytes of UTF-8. */
export const FIELD_BYTES_MAX = 16_384;

/** The text cut to `bytesMax` bytes of UTF-8, never in the middle of a character. */
export function cutText(text: string, bytesMax: number = FIELD_BYTES_MAX): string {
  if (text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax) return text;
  const bytes = Buffer.from(text.slice(0, bytesMax));
  let end = Math.min(bytesMax, bytes.length);
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end);
}

/** The beginning of a text, enough to recognise it. */
export function excerpt(text: string): string {
  return cutText(text, 200);
}

/** The text on one line, with U+FFFD for control characters: it must not move the cursor or fake a line of the log. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "\uFFFD");
}

/** A value as indented JSON in which such characters are escaped, so that a program reads them as they were. */
export function printableJson(value: unknown): string {
  return withEscapes(JSON.stringify(value, null, 2));
}

/** The same on one line. */
export function printableJsonLine(value: unknown): string {
  return withEscapes(JSON.stringify(value));
}

function withEscapes(json: string): string {
  // Line breaks are those of the indentation: in texts they are escaped already.
  return json.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (found) =>
    found === "\n" ? found : found.replaceAll(/[^]/g, escaped),
  );
}

/** One unit of UTF-16 as JSON writes it. */
function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** The text with NUL characters and broken surrogates replaced by U+FFFD: Postgres takes neither, as text or in JSON. */
export function storable(text: string): string {
  return text.replaceAll("\0", "\uFFFD").toWellFormed();
}

function isClean(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed() && cutText(text) === text;
}

function cleaned(fields: Fields): CleanFields {
  const replaced: string[] = [];
  const cut: string[] = [];
  const entries = Object.entries(fields).map(([name, value]): [string, string] => {
    const [cleanName, cleanValue] = [storable(name), storable(value)];
    const keptName = cutText(cleanName);
    const keptValue = cutText(cleanValue);
    if (cleanName !== name || cleanValue !== value) replaced.push(keptName);
    if (keptName !== cleanName || keptValue !== cleanValue) cut.push(keptName);
    return [keptName, keptValue];
  });
  return { fields: Object.fromEntries(entries), replaced, cut };
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
] as const;

/** A time in the largest unit of which it has at least two: `3 h`. */
export function ageText(ms: number): string {
  const [unit, size] = UNITS.find(([, unitMs]) => ms >= 2 * unitMs) ?? (["s", 1_000] as const);
  return `${Math.max(0, Math.floor(ms / size))} ${unit}`;
}
