import type { Figure } from "../measure.ts";
import { boundText, goalText, valueText } from "./goal.ts";
import { headOf } from "./report-head.ts";
import { failedOf, goalsOf, warningsOf, type MeasureResult, type Report } from "./report.ts";

/** A report as text for a terminal: head, a block per measure, missed goals and failed measures. */
export function tableOf(report: Report): string {
  const figures = report.results.flatMap((result) => result.figures);
  const widths = {
    name: widest(figures.map(({ name }) => name)),
    value: widest(figures.map(valueText)),
    unit: widest(figures.map(({ unit }) => unit)),
  };
  return [
    ...headOf(report).flatMap((line) => wrapped(line, "")),
    ...warningsOf(report).flatMap((line) => wrapped(`! ${line}`, "")),
    ...report.results.flatMap((result) => ["", ...blockOf(result, widths)]),
    "",
    ...endOf(report),
    "",
  ].join("\n");
}

const WIDTH = 110;
const INDENT = "  ";

interface Widths {
  readonly name: number;
  readonly value: number;
  readonly unit: number;
}

function blockOf({ title, figures, error }: MeasureResult, widths: Widths): string[] {
  const rows = figures.flatMap((figure) => rowOf(figure, widths));
  const failure = error === undefined ? [] : `failed: ${error}`.split("\n");
  return [title, ...rows, ...failure.flatMap((line) => wrapped(line, INDENT))];
}

function rowOf(figure: Figure, { name, value, unit }: Widths): string[] {
  const cells = [
    figure.name.padEnd(name),
    valueText(figure).padStart(value),
    figure.unit.padEnd(unit),
    goalText(figure),
  ];
  const row = INDENT + cells.join("  ").trimEnd();
  return figure.note === undefined ? [row] : [row, ...wrapped(figure.note, INDENT.repeat(3))];
}

function endOf(report: Report): string[] {
  const goals = goalsOf(report);
  const missed = goals.filter(({ met }) => !met);
  const failed = failedOf(report);
  return [
    `${goals.length - missed.length} of ${goals.length} goals met, measured in ${durationText(report)}`,
    ...missed.map(({ figure }) => `✗ ${figure.name}: ${valueText(figure)} ${figure.unit}${missedBy(figure)}`),
    ...failed.map(({ id, why }) => `! ${id} failed: ${why}`),
  ];
}

function durationText({ results }: Report): string {
  const seconds = results.reduce((sum, result) => sum + result.seconds, 0);
  return seconds < 100 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

function missedBy({ goal }: Figure): string {
  return goal === undefined ? "" : `, the goal is ${boundText(goal)}`;
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}

/** The text in lines of at most {@link WIDTH}, each with the indent. */
function wrapped(text: string, indent: string): string[] {
  const lines = [""];
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && indent.length + line.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.map((line) => indent + line);
}
