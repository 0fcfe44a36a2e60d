import { printable } from "../../../shared/text.ts";
import { widthOf } from "../text-table.ts";

/** A text in lines that fit the terminal, broken between words; every line is indented. Control characters are replaced. */
export function wrap(
  text: string,
  { columns, indent }: { readonly columns: number | undefined; readonly indent: string },
): string[] {
  const words = printable(text.replaceAll(/\s*[\n\r]\s*/g, " ")).split(" ");
  const width = Math.max(WIDTH_MIN, (columns ?? Infinity) - indent.length);
  const lines: string[] = [];
  let [line, used] = ["", 0];
  for (const word of words) {
    const size = columns === undefined ? 0 : widthOf([[word]]);
    if (line !== "" && used + 1 + size > width) {
      lines.push(line);
      [line, used] = ["", 0];
    }
    [line, used] = line === "" ? [word, size] : [`${line} ${word}`, used + 1 + size];
  }
  return [...lines, line].map((one) => indent + one);
}

const WIDTH_MIN = 20;
