import { goalText, valueText } from "./goal.ts";
import { headOf } from "./report-head.ts";
import { failedOf, warningsOf, type MeasureResult, type Report } from "./report.ts";

/** A report in Markdown, as README.md of the bench shows it: head, one table, and notes on its figures. */
export function markdownOf(report: Report): string {
  const notes = report.results.flatMap(({ figures }) =>
    figures.flatMap(({ name, note }) => (note === undefined ? [] : [`- ${name}: ${note}`])),
  );
  const failed = failedOf(report).map(({ id, why }) => `- ${id} failed: ${why}`);
  return [
    [...headOf(report), ...warningsOf(report)].join("  \n"),
    "",
    "| | | goal |",
    "|---|---:|---|",
    ...report.results.flatMap(rowsOf),
    "",
    ...notes,
    ...failed,
    "",
  ].join("\n");
}

function rowsOf({ title, figures }: MeasureResult): string[] {
  return [
    `| **${cell(title)}** | | |`,
    ...figures.map((figure) => {
      const { name, unit } = figure;
      const goal = goalText(figure);
      return `| ${cell(name)} | ${valueText(figure)} ${cell(unit)} |${goal === "" ? " " : ` ${goal} `}|`;
    }),
  ];
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ");
}
