import { describe, expect, test } from "vitest";
import type { Goal } from "../measure.ts";
import { chartOf } from "./chart.ts";
import { goalText, valueText } from "./goal.ts";
import { markdownOf } from "./markdown.ts";
import { SAMPLE } from "./report-sample.ts";
import { failedOf, goalsOf, jsonOf, warningsOf } from "./report.ts";
import { tableOf } from "./table.ts";

test.each<[number, Goal | undefined, string]>([
  [26_412, undefined, "26,400"],
  [1_234_567, undefined, "1,230,000"],
  [0.012345, undefined, "0.0123"],
  [0, undefined, "0"],
  [24_990, { least: 25_000 }, "24,990"],
  [25_010, { most: 25_000 }, "25,010"],
  [25_010, { least: 25_000 }, "25,000"],
])("%d with the goal %j is shown as %s", (value, goal, shown) => {
  expect(valueText(goal === undefined ? { value } : { value, goal })).toBe(shown);
});

test.each<[number, Goal, string]>([
  [25_000, { least: 25_000 }, "≥ 25,000 ✓"],
  [24_999, { least: 25_000 }, "≥ 25,000 ✗"],
  [1, { most: 1 }, "≤ 1 ✓"],
  [1.01, { most: 1 }, "≤ 1 ✗"],
  [0.94, { least: 0.95 }, "≥ 0.95 ✗"],
])("%d against the goal %j is shown as %s", (value, goal, text) => {
  expect(goalText({ value, goal })).toBe(text);
});

describe("the table", () => {
  const lines = tableOf(SAMPLE).split("\n");

  test("begins with the command, the time, the machine and the versions", () => {
    expect(lines.slice(0, 3)).toEqual([
      "npm run bench, 2026-01-05 10:00 UTC, commit 93591ff with changes",
      "2 × Example <CPU> & more, 24 GiB, Linux 6.1 x64; load average 0.12 at the start",
      "Node 20.20.2, Redis 7.0.15, PostgreSQL 18.4",
    ]);
  });

  test("has a row for each figure below its measure, with aligned values, and notes below the row", () => {
    expect(lines.slice(3, 14)).toEqual([
      "",
      "Routing",
      "  routing, one router  26,400  signals/s  ≥ 25,000 ✓",
      "  tasks dispatched     95,100  tasks/s",
      "  Redis per signal       31.3  µs         ≤ 30 ✗",
      "",
      "Latency",
      "  sent → read, p50      0.622  ms         ≤ 1 ✓",
      "      includes | the client",
      "",
      "BullMQ",
    ]);
  });

  test("ends with the missed goals and the failed measures", () => {
    expect(lines.slice(14)).toEqual([
      "  failed: 99 tasks, not 100",
      "  and more output",
      "",
      "2 of 3 goals met, measured in 32 s",
      "✗ Redis per signal: 31.3 µs, the goal is ≤ 30",
      "! bullmq failed: 99 tasks, not 100",
      "",
    ]);
  });

  test("shows the figures of a measure that failed in part", () => {
    const [first] = SAMPLE.results;
    const results = first === undefined ? [] : [{ ...first, error: "4 routers: 99 tasks" }];
    const rows = tableOf({ ...SAMPLE, results }).split("\n");
    expect(rows.slice(5, 9)).toEqual([
      "  routing, one router  26,400  signals/s  ≥ 25,000 ✓",
      "  tasks dispatched     95,100  tasks/s",
      "  Redis per signal       31.3  µs         ≤ 30 ✗",
      "  failed: 4 routers: 99 tasks",
    ]);
  });

  test("wraps long notes", () => {
    const [first] = SAMPLE.results;
    const figures = first?.figures.map((figure) => ({ ...figure, note: "word ".repeat(50) })) ?? [];
    const text = tableOf({ ...SAMPLE, results: [{ id: "routing", title: "Routing", seconds: 1, figures }] });
    expect(Math.max(...text.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(110);
    expect(text.split("word").length - 1).toBe(150);
  });
});

test("a run at another scale or on a busy machine has a warning", () => {
  expect(warningsOf(SAMPLE)).toEqual([]);
  const surroundings = { ...SAMPLE.surroundings, loadAverage: 1.5 };
  const warned = { ...SAMPLE, scale: 0.05, surroundings };
  expect(warningsOf(warned)).toEqual([
    expect.stringContaining("5 % of full size"),
    expect.stringContaining("1.50 on 2 cores"),
  ]);
  for (const text of [tableOf(warned), markdownOf(warned), chartOf(warned), jsonOf(warned)]) {
    expect(text).toContain("5 % of full size");
  }
});

test("a report that is written before the end of the run names the missing measures", () => {
  expect(warningsOf({ ...SAMPLE, outstanding: ["growth", "memory"] })).toEqual([
    expect.stringContaining("Missing measures: growth, memory"),
  ]);
});

test("goals are listed as met or missed, and failed measures with their reason", () => {
  expect(goalsOf(SAMPLE).map(({ figure, met }) => [figure.name, met])).toEqual([
    ["routing, one router", true],
    ["Redis per signal", false],
    ["sent → read, p50", true],
  ]);
  expect(failedOf(SAMPLE)).toEqual([{ id: "bullmq", why: "99 tasks, not 100" }]);
});

test("the JSON has every figure unrounded, and whether its goal is met", () => {
  const json = JSON.parse(jsonOf(SAMPLE)) as { results: { figures: unknown[]; error?: string }[] };
  expect(json).toMatchObject({ startedAt: SAMPLE.startedAt, scale: 1, surroundings: SAMPLE.surroundings });
  expect(json.results[0]?.figures).toEqual([
    { name: "routing, one router", value: 26_412, unit: "signals/s", goal: { least: 25_000 }, met: true },
    { name: "tasks dispatched", value: 95_083, unit: "tasks/s" },
    { name: "Redis per signal", value: 31.26, unit: "µs", goal: { most: 30 }, met: false },
  ]);
  expect(json.results[2]?.error).toBe("99 tasks, not 100\nand more output");
});

test("the Markdown is one table, with notes and failed measures below it", () => {
  expect(markdownOf(SAMPLE).split("\n").slice(4)).toEqual([
    "| | | goal |",
    "|---|---:|---|",
    "| **Routing** | | |",
    "| routing, one router | 26,400 signals/s | ≥ 25,000 ✓ |",
    "| tasks dispatched | 95,100 tasks/s | |",
    "| Redis per signal | 31.3 µs | ≤ 30 ✗ |",
    "| **Latency** | | |",
    "| sent → read, p50 | 0.622 ms | ≤ 1 ✓ |",
    "| **BullMQ** | | |",
    "",
    "- sent → read, p50: includes | the client",
    "- bullmq failed: 99 tasks, not 100",
    "",
  ]);
});
