import { printable } from "../../../shared/text.ts";
import { textTable, widthOf } from "../text-table.ts";

/** A row of a table, and a note of any length on it. */
export interface NotedRow {
  readonly cells: readonly string[];
  readonly note: string;
}

/** A table whose rows have a note: in the last column where the terminal is wide enough, else on a line of its own. */
export function notedTable(
  { head, noteHead }: { readonly head: readonly string[]; readonly noteHead: string },
  rows: readonly NotedRow[],
  { columns }: { readonly columns: number | undefined },
): string {
  const notes = rows.map(({ note }) => printable(note.replaceAll(/\s*[\n\r]\s*/g, " ")));
  const cells = rows.map((row) => row.cells);
  const width = widthOf([head, ...cells]);
  const longest = Math.max(0, ...notes.map((note) => widthOf([[note]])));
  if (columns === undefined || columns - width - GAP_WIDTH >= Math.min(NOTE_WIDTH_MIN, longest)) {
    const whole = cells.map((row, n) => [...row, notes[n] ?? ""]);
    return textTable([...head, noteHead], whole, { columns });
  }
  const [title = "", ...lines] = textTable(head, cells, { columns }).split("\n");
  const noteColumns = Math.max(NOTE_WIDTH_LEAST, columns - INDENT.length);
  const noted = lines.flatMap((line, n) => {
    const note = notes[n] ?? "";
    return note === "" ? [line] : [line, INDENT + textTable([note], [], { columns: noteColumns })];
  });
  return [title, ...noted].join("\n");
}

const INDENT = "    ";
/** A note of this width is worth a column. */
const NOTE_WIDTH_MIN = 50;
const NOTE_WIDTH_LEAST = 20;
const GAP_WIDTH = 2;
