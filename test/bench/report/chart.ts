import type { Figure } from "../measure.ts";
import { chartGroupsOf, type ChartGroup } from "./chart-groups.ts";
import { goalText, meets, valueText } from "./goal.ts";
import { headOf } from "./report-head.ts";
import { warningsOf, type Report } from "./report.ts";

/** A report as an SVG: horizontal bars, each group with its own scale from zero. All lengths are in pixels. */

const WIDTH = 880;
const MARGIN = 24;
const LINE = 17;
const ROW = 22;
const BAR_HEIGHT = 14;
const BAR_LEFT = 440;
const BAR_WIDTH_MAX = 250;
const GAP = 8;
/** Characters that fit before the bars in the widest of the fonts below. */
const NAME_LENGTH_MAX = 62;
const COLORS = { met: "#2f7d4f", missed: "#c8453b", noGoal: "#5b7fa6" } as const;
const LEGEND = [
  ["met", "reaches its goal"],
  ["missed", "misses it"],
  ["noGoal", "has none"],
] as const;

/** The SVG, with a white background, so that it is readable on any page. */
export function chartOf(report: Report): string {
  const drawn: string[] = [];
  let y = MARGIN + LINE;
  drawn.push(text(MARGIN, y, "signal router: bench", "title"));
  for (const line of [...headOf(report), ...warningsOf(report)]) {
    y += LINE;
    drawn.push(text(MARGIN, y, line, "small"));
  }
  y += LINE * 1.5;
  drawn.push(...legendAt(y));
  for (const group of chartGroupsOf(report)) {
    y += LINE * 2;
    drawn.push(text(MARGIN, y, `${group.title} (${group.unit})`, "heading"));
    const largest = largestOf(group);
    for (const figure of group.figures) {
      y += ROW;
      drawn.push(...barAt(y, figure, (value) => (value / largest) * BAR_WIDTH_MAX));
    }
  }
  return svgOf(y + MARGIN, drawn);
}

function barAt(y: number, figure: Figure, widthOf: (value: number) => number): string[] {
  const { name, value, goal } = figure;
  const met = goal === undefined ? undefined : meets(value, goal);
  const color = met === undefined ? COLORS.noGoal : met ? COLORS.met : COLORS.missed;
  const width = Math.max(0, widthOf(value));
  const bound = goal === undefined ? undefined : "least" in goal ? goal.least : goal.most;
  const mark = bound === undefined ? 0 : widthOf(bound);
  const top = y - BAR_HEIGHT + 3;
  const shown = name.length > NAME_LENGTH_MAX ? `${name.slice(0, NAME_LENGTH_MAX - 1)}…` : name;
  const label = goal === undefined ? valueText(figure) : `${valueText(figure)}   goal ${goalText(figure)}`;
  return [
    text(MARGIN, y, shown, "name"),
    `<rect x="${BAR_LEFT}" y="${top}" width="${px(width)}" height="${BAR_HEIGHT}" fill="${color}"/>`,
    ...(bound === undefined
      ? []
      : [
          `<rect x="${px(BAR_LEFT + mark - 1)}" y="${top - 3}" width="2" height="${BAR_HEIGHT + 6}" fill="#111"/>`,
        ]),
    text(BAR_LEFT + Math.max(width, mark) + GAP, y, label, "value"),
  ];
}

function legendAt(y: number): string[] {
  const places = LEGEND.map(([kind, label], i) => ({ kind, label, x: MARGIN + i * 130 }));
  const markX = MARGIN + LEGEND.length * 130;
  return [
    ...places.flatMap(({ kind, label, x }) => [
      `<rect x="${x}" y="${y - 10}" width="12" height="12" fill="${COLORS[kind]}"/>`,
      text(x + 18, y, label, "small"),
    ]),
    `<rect x="${markX}" y="${y - 12}" width="2" height="16" fill="#111"/>`,
    text(markX + 8, y, "the goal", "small"),
  ];
}

/** The value at full width: the largest bar or goal of the group. */
function largestOf({ figures }: ChartGroup): number {
  const bounds = figures.flatMap(({ goal }) =>
    goal === undefined ? [] : ["least" in goal ? goal.least : goal.most],
  );
  // Not zero: the lengths are divided by it.
  return Math.max(Number.MIN_VALUE, ...figures.map(({ value }) => value), ...bounds);
}

function svgOf(height: number, drawn: readonly string[]): string {
  const size = `width="${WIDTH}" height="${px(height)}" viewBox="0 0 ${WIDTH} ${px(height)}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="Results of the bench">`,
    "<style>",
    "text { font: 12px system-ui, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif; fill: #111; white-space: pre }",
    ".title { font-size: 17px; font-weight: 600 } .heading { font-size: 13px; font-weight: 600 }",
    ".small { font-size: 11px; fill: #555 } .value { fill: #333 }",
    "</style>",
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...drawn,
    "</svg>",
    "",
  ].join("\n");
}

function text(x: number, y: number, content: string, kind: string): string {
  return `<text x="${px(x)}" y="${px(y)}" class="${kind}">${escaped(content)}</text>`;
}

function px(length: number): string {
  return String(Math.round(length * 10) / 10);
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
