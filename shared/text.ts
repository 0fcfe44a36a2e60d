import type { Fields } from "./entry.ts";

/** Longest value of a field that is kept in the record, in bytes of UTF-8. */
export const FIELD_BYTES_MAX = 16_384;

/** Fields fit for the record, and what had to be done to make them so. */
export interface CleanFields {
  readonly fields: Fields;
  /** Names of fields with NUL characters or broken surrogates, replaced by U+FFFD: Postgres takes neither. */
  readonly replaced: readonly string[];
  /** Names of fields cut at {@link FIELD_BYTES_MAX}. */
  readonly cut: readonly string[];
}

const NONE: readonly string[] = [];

/** The fields with everything replaced or cut that could not be kept; the very same object when all is well. */
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

/** Cut to `bytesMax` bytes of UTF-8, never in the middle of a character. */
export function cutText(text: string, bytesMax: number = FIELD_BYTES_MAX): string {
  if (text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax) return text;
  const bytes = Buffer.from(text.slice(0, bytesMax));
  let end = Math.min(bytesMax, bytes.length);
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end);
}

/** Enough of a value to recognise it. */
export function excerpt(text: string): string {
  return cutText(text, 200);
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
