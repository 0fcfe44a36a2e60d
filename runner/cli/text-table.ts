import Table from "cli-table3";
import { printable } from "../../shared/text.ts";

/** A table without lines, in columns that fit also for wide characters; the last column is cut where the terminal ends. */
export function textTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { columns }: { readonly columns: number | undefined },
): string {
  const lines = [head, ...rows.map((row) => row.map(oneLine))];
  const whole = widthOf(lines);
  const last = whole - widthOf(lines.map((row) => [...row.slice(0, -1), ""]));
  const isTooWide = columns !== undefined && whole > columns;
  const lastMax = isTooWide ? Math.max(LAST_COLUMN_MIN, last - (whole - columns)) : null;
  const text = tableOf(lines, [...head.slice(1).map(() => null), lastMax]).toString();
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

const LAST_COLUMN_MIN = 12;
const GAP = "  ";

const LINES =
  "top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid";
const NO_LINES = Object.fromEntries(LINES.split(" ").map((name) => [name, ""]));

function tableOf(rows: readonly (readonly string[])[], colWidths: readonly (number | null)[]) {
  const table = new Table({
    chars: { ...NO_LINES, middle: GAP },
    colWidths: [...colWidths],
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
  });
  table.push(...rows.map((row) => [...row]));
  return table;
}

/** Columns of the terminal that a table of these rows takes, also with wide characters. */
export function widthOf(rows: readonly (readonly string[])[]): number {
  return tableOf(rows, []).width;
}

function oneLine(text: string): string {
  return printable(text.replaceAll(/\s*[\n\r]\s*/g, " "));
}
