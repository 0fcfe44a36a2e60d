import { expect, test } from "vitest";
import { MEASURE_IDS, type Figure, type MeasureId, type Unit } from "../measure.ts";
import { chartGroupsOf } from "./chart-groups.ts";
import { chartOf } from "./chart.ts";
import { SAMPLE } from "./report-sample.ts";

const BAR = /<rect x="440" y="\d+(?:\.\d+)?" width="([\d.]+)" height="14" fill="(#\w+)"\/>/g;

function reportOf(figures: readonly Figure[], id: MeasureId = "routing") {
  return { ...SAMPLE, results: [{ id, title: "Some", seconds: 1, figures }] };
}

function barsIn(svg: string): { width: number; color: string | undefined }[] {
  return [...svg.matchAll(BAR)].map(([, width, color]) => ({ width: Number(width), color }));
}

test("bars of a group have lengths in proportion to their values, and a colour for goals met, missed and not set", () => {
  const rates: readonly Figure[] = [
    { name: "met", value: 40_000, unit: "signals/s", goal: { least: 25_000 } },
    { name: "missed", value: 20_000, unit: "signals/s", goal: { least: 25_000 } },
    { name: "no goal", value: 10_000, unit: "signals/s" },
  ];
  const bars = barsIn(chartOf(reportOf(rates)));
  const [longest] = bars;
  expect(bars.map(({ width }) => width / (longest?.width ?? 0))).toEqual([1, 0.5, 0.25]);
  expect(new Set(bars.map(({ color }) => color)).size).toBe(3);
});

test("a goal above every value is still inside the drawing", () => {
  const svg = chartOf(reportOf([{ name: "slow", value: 1, unit: "signals/s", goal: { least: 25_000 } }]));
  const marks = [...svg.matchAll(/<rect x="([\d.]+)"[^>]* width="2"/g)].map(([, x]) => Number(x));
  expect(marks).toHaveLength(2);
  expect(Math.max(...marks)).toBeLessThan(880 - 150);
  expect(barsIn(svg)[0]?.width).toBeLessThan(1);
});

test("figures with the same unit are drawn together, and a group without figures has no heading", () => {
  expect(chartGroupsOf(SAMPLE).map(({ unit, figures }) => [unit, figures.map(({ name }) => name)])).toEqual([
    ["signals/s", ["routing, one router"]],
    ["µs", ["Redis per signal"]],
    ["ms", ["sent → read, p50"]],
  ]);
});

const LEFT_OUT: readonly Unit[] = ["×", "%", "commands"];
const DRAWN: readonly Unit[] = ["signals/s", "tasks/s", "rows/s", "µs", "ms", "MB", "× base"];

test.each(MEASURE_IDS)("every figure of %s with a goal is drawn once, except ratios", (id) => {
  const figures = [...DRAWN, ...LEFT_OUT].map((unit): Figure => ({
    name: unit,
    value: 1,
    unit,
    goal: { least: 1 },
  }));
  const drawn = chartGroupsOf(reportOf(figures, id)).flatMap((group) => group.figures);
  expect(drawn.map(({ unit }) => unit).toSorted()).toEqual(DRAWN.toSorted());
});

test("a figure without a goal and outside the selections is not drawn", () => {
  expect(chartGroupsOf(reportOf([{ name: "rows", value: 1, unit: "rows/s" }], "log"))).toEqual([]);
});

test("markup characters are escaped", () => {
  const svg = chartOf(SAMPLE);
  expect(svg).toContain("Example &lt;CPU&gt; &amp; more");
  expect(svg).not.toContain("<CPU>");
});

test("zero is drawn as a bar without length", () => {
  expect(barsIn(chartOf(reportOf([{ name: "none", value: 0, unit: "signals/s" }])))).toEqual([
    { width: 0, color: "#5b7fa6" },
  ]);
});
