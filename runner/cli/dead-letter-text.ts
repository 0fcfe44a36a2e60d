import { forStrategy, type StoredDeadLetter } from "../../shared/dead-letter.ts";
import { entryTime } from "../../shared/entry.ts";
import { ageText, printable } from "../../shared/text.ts";

/** Dead letters as a table for the terminal, one line each. */
export function deadLetterTable(
  letters: readonly StoredDeadLetter[],
  { now, width = Number.POSITIVE_INFINITY }: TableOptions,
): string {
  const rows = [TITLES, ...letters.map((stored) => cellsOf(stored, now).map(oneLine))];
  const widths = TITLES.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .map((line) => cut(line.trimEnd(), width))
    .join("\n");
}

const TITLES = ["id", "age", "function", "stream", "reason", "deliveries", "error"];

export interface TableOptions {
  /** Redis' clock, milliseconds since 1970. */
  readonly now: number;
  /** Longest line in characters; undefined: no limit. */
  readonly width: number | undefined;
}

function cellsOf(stored: StoredDeadLetter, now: number): string[] {
  const { id, raw } = stored;
  const known = [raw["function"], raw["stream"], raw["reason"], raw["deliveries"]].map(
    (value) => value ?? "?",
  );
  const error = stored.ok ? stored.letter.error : `(malformed) ${stored.fault}`;
  const whose = forStrategyOf(stored);
  return [id, ageText(now - entryTime(id)), ...known, whose === "" ? error : `${whose.trim()}: ${error}`];
}

function forStrategyOf(stored: StoredDeadLetter): string {
  return stored.ok ? forStrategy({ stream: stored.letter.stream, fields: stored.letter.entry.fields }) : "";
}

/** One dead letter with everything it contains. */
export function deadLetterText(stored: StoredDeadLetter, now: number): string {
  const { id, raw } = stored;
  const age = ageText(now - entryTime(id));
  const { fields, ...rest } = raw;
  return [
    `dead letter ${id}${forStrategyOf(stored)}, ${age} old`,
    ...(stored.ok ? [] : ["  malformed, so it can only be discarded:", indented(stored.fault, 4)]),
    ...named(rest, 2),
    ...(stored.ok
      ? ["  fields", ...named(stored.letter.entry.fields, 4)]
      : named({ fields: fields ?? "" }, 2)),
  ].join("\n");
}

/** One dead letter as JSON: its parts, or the raw fields of a malformed one. */
export function deadLetterJson(stored: StoredDeadLetter): Readonly<Record<string, unknown>> {
  if (!stored.ok) return { id: stored.id, fault: stored.fault, raw: stored.raw };
  const { id, entry, functionName, ...rest } = stored.letter;
  return { id, ...rest, function: functionName, entry_id: entry.id, fields: entry.fields };
}

/** One line per field, and more for JSON. */
function named(fields: Readonly<Record<string, string>>, indent: number): string[] {
  const width = Math.max(0, ...Object.keys(fields).map((name) => name.length));
  return Object.entries(fields).map(([name, value]) => {
    const json = objectIn(value);
    const title = `${" ".repeat(indent)}${oneLine(name).padEnd(width)}`;
    return json === undefined
      ? `${title}  ${oneLine(value)}`
      : `${title.trimEnd()}\n${indented(JSON.stringify(json, null, 2), indent + 2)}`;
  });
}

function objectIn(text: string): object | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function indented(text: string, indent: number): string {
  return text
    .split("\n")
    .map((line) => " ".repeat(indent) + printable(line))
    .join("\n");
}

/** One line without control characters: a producer's text must not control the terminal. */
function oneLine(text: string): string {
  return printable(text.replaceAll(/\s*[\n\r]\s*/g, " "));
}

function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}
