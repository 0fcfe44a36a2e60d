import { cutText } from "../../../shared/text.ts";
import { oneLine, textTable, widthOf } from "../text-table.ts";
import { wrap } from "./wrap.ts";

/** A row of a table, and a note of any length on it. */
export interface NotedRow {
  readonly cells: readonly string[];
  readonly note: string;
  /** Lines below the row in any case. */
  readonly below?: readonly string[];
}

/** A table whose rows have a note: in the last column where the terminal is wide enough, else below. A long one has several lines. */
export function notedTable(
  { head, noteHead }: { readonly head: readonly string[]; readonly noteHead: string },
  rows: readonly NotedRow[],
  { columns }: { readonly columns: number | undefined },
): string {
  const notes = rows.map(({ note }) => oneLine(columns === undefined ? note : cutText(note, NOTE_BYTES_MAX)));
  const cells = rows.map((row) => row.cells);
  const left = widthOf([head, ...cells.map((row) => row.map(oneLine))]) + GAP_WIDTH;
  const longest = Math.max(widthOf([[noteHead]]), ...notes.map((note) => widthOf([[note]])));
  const isWide = columns === undefined || columns - left >= Math.min(NOTE_WIDTH_MIN, longest);
  const indent = isWide ? " ".repeat(left) : INDENT;
  const wrapped = notes.map((note) => (note === "" ? [] : wrap(note, { columns, indent })));
  const whole = cells.map((row, n) => [...row, wrapped[n]?.[0]?.slice(left) ?? ""]);
  const table = isWide
    ? textTable([...head, noteHead], whole, { columns })
    : textTable(head, cells, { columns });
  const [title = "", ...lines] = table.split("\n");
  const shown = lines.flatMap((line, n) => [
    line,
    ...(wrapped[n] ?? []).slice(isWide ? 1 : 0),
    ...(rows[n]?.below ?? []).map((below) => INDENT + oneLine(below)),
  ]);
  return [title, ...shown].join("\n");
}

const INDENT = "    ";
/** Of a note on a terminal; --json has it whole. */
const NOTE_BYTES_MAX = 4_000;
/** A note of this width is worth a column. */
const NOTE_WIDTH_MIN = 50;
const GAP_WIDTH = 2;
