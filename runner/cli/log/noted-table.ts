import { printable } from "../../../shared/text.ts";
import { textTable, widthOf } from "../text-table.ts";
import { wrap } from "./wrap.ts";

/** A row of a table, and a note of any length on it. */
export interface NotedRow {
  readonly cells: readonly string[];
  readonly note: string;
  /** Lines below the row in any case. */
  readonly below?: readonly string[];
}

/** A table whose rows have a note: in the last column where the terminal is wide enough, else on a line of its own. */
export function notedTable(
  { head, noteHead }: { readonly head: readonly string[]; readonly noteHead: string },
  rows: readonly NotedRow[],
  { columns }: { readonly columns: number | undefined },
): string {
  const notes = rows.map(({ note }) => note);
  const cells = rows.map((row) => row.cells);
  const width = widthOf([head, ...cells]);
  const longest = Math.max(0, ...notes.map((note) => widthOf([[printable(note)]])));
  const isWide = columns === undefined || columns - width - GAP_WIDTH >= Math.min(NOTE_WIDTH_MIN, longest);
  const whole = cells.map((row, n) => [...row, notes[n] ?? ""]);
  const table = isWide
    ? textTable([...head, noteHead], whole, { columns })
    : textTable(head, cells, { columns });
  const [title = "", ...lines] = table.split("\n");
  const shown = lines.flatMap((line, n) => [
    line,
    ...(isWide || (notes[n] ?? "") === "" ? [] : wrap(notes[n] ?? "", { columns, indent: INDENT })),
    ...(rows[n]?.below ?? []).map((below) => INDENT + printable(below)),
  ]);
  return [title, ...shown].join("\n");
}

const INDENT = "    ";
/** A note of this width is worth a column. */
const NOTE_WIDTH_MIN = 50;
const GAP_WIDTH = 2;
