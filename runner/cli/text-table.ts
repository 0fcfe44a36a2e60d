import Table from "cli-table3";
import { printable } from "../../shared/text.ts";

/**
 * A table without lines, in columns that fit also for wide characters. In a terminal that is too narrow for it, long texts are cut:
 * the last column where the terminal ends, others at {@link CELL_WIDTH_MAX}.
 */
export function textTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { columns }: { readonly columns: number | undefined },
): string {
  const lines = [head, ...rows.map((row) => row.map((text) => shortened(oneLine(text), columns)))];
  const isTooWide = columns !== undefined && widthOf(lines) > columns;
  const cut = isTooWide ? head.slice(1).map((_, n) => cutWidth(lines.map((line) => line[n] ?? ""))) : [];
  const others = isTooWide
    ? widthOf(
        lines.map((line) => [...line.slice(0, -1), ""]),
        cut,
      )
    : 0;
  const lastMax = isTooWide ? Math.max(LAST_COLUMN_MIN, columns - others + 1) : null;
  const text = tableOf(lines, isTooWide ? [...cut, lastMax] : []).toString();
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

const LAST_COLUMN_MIN = 12;
/** An id of 36 characters fits. */
const CELL_WIDTH_MAX = 40;
const GAP = "  ";

/** The width to cut a column to; null when it needs none. */
function cutWidth(cells: readonly string[]): number | null {
  return widthOf(cells.map((cell) => [cell])) > CELL_WIDTH_MAX ? CELL_WIDTH_MAX : null;
}

/** Cutting a text of many wide characters takes the library time with the square of its length. */
function shortened(text: string, columns: number | undefined): string {
  return columns === undefined || text.length <= 2 * columns ? text : `${text.slice(0, 2 * columns)}…`;
}

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
export function widthOf(
  rows: readonly (readonly string[])[],
  colWidths: readonly (number | null)[] = [],
): number {
  // The library gives the number of characters of the first line: of one that is all spaces that is its width.
  const [first = []] = rows;
  return tableOf([first.map(() => ""), ...rows], colWidths).width;
}

/** The text as a table shows it: line breaks are spaces, and no character controls the terminal. */
export function oneLine(text: string): string {
  return printable(text.replaceAll(/\s*[\n\r]\s*/g, " "));
}
