import { expect, test } from "vitest";
import { notedTable } from "../../../runner/cli/log/noted-table.ts";
import { wrap } from "../../../runner/cli/log/wrap.ts";
import { textTable, widthOf } from "../../../runner/cli/text-table.ts";

/** Tables in terminals of any width, of texts that anybody may have sent. */

const HEAD = ["time", "symbol", "entry"];
const ROW = ["10:00:00", "BTCUSDT", "1796034141049-0"];

test("wide characters take two columns, in tables and in wrapped lines", () => {
  expect(widthOf([["\u7A81\u7834"]])).toBe(4);
  const lines = wrap("\u7A81\u7834 ".repeat(10).trim(), { columns: 24, indent: "" });
  expect(lines.map((line) => widthOf([[line]]))).toEqual([24, 24]);
});

test("in a terminal that is too narrow a long text is cut, and other columns stay whole", () => {
  const hostile = ["10:00:01", `\u7A81\u001B[2J${"x".repeat(200)}`, "1796034141049-1"];
  const [, first, second = ""] = textTable(HEAD, [ROW, hostile], { columns: 80 }).split("\n");
  expect(first).toBe(`10:00:00  BTCUSDT${" ".repeat(35)}1796034141049-0`);
  expect(second).toMatch(/^10:00:01 {2}\u7A81\uFFFD\[2Jx+\u2026 {2}1796034141049-1$/);
  expect(textTable(HEAD, [hostile], { columns: undefined })).toContain("x".repeat(200));
});

test("a text of 100 kB, also of wide characters, is cut before it is measured", () => {
  const rows = [[...ROW.slice(0, 2), "\u7A81".repeat(100_000)]];
  expect(textTable(HEAD, rows, { columns: 40 })).toMatch(/\u2026$/);
});

test("a long note is whole: in its column where there is room, else below the row", () => {
  const words = Array.from({ length: 30 }, (_, n) => `word${n}`);
  const rows = [
    { cells: ROW, note: words.join(" "), below: ["! below"] },
    { cells: ROW, note: "short" },
  ];
  for (const columns of [40, 80, 140]) {
    const text = notedTable({ head: HEAD, noteHead: "note" }, rows, { columns });
    expect(text.match(/word\d+/g)).toEqual(words);
    const lines = text.split("\n");
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(columns);
    expect(lines.findIndex((line) => line.endsWith("! below"))).toBeLessThan(
      lines.findIndex((line) => line.endsWith("short")),
    );
  }
  const wide = notedTable({ head: HEAD, noteHead: "note" }, rows, { columns: 140 }).split("\n");
  expect(wide[2]).toMatch(/^ {36}word\d+/);
});
