import { expect, test } from "vitest";
import type { Bench, Figure, Measure } from "./measure.ts";
import { runMeasures } from "./run-measures.ts";

async function nothingHere(): Promise<never> {
  throw new Error("these measures start nothing");
}

function benchThatSays(said: string[]): Bench {
  return {
    startRedis: nothingHere,
    freshDatabase: nothingHere,
    startNeonBridge: nothingHere,
    scaled: (count) => count,
    say: (text) => void said.push(text),
  };
}

const measureOf = (id: string, run: () => Promise<readonly Figure[]>): Measure => ({ id, title: id, run });
const figure = (value: number): Figure => ({ name: "rate", value, unit: "signals/s" });

test("a measure that throws leaves its message, and the others go on", async () => {
  const said: string[] = [];
  const measures = [
    measureOf("one", async () => [figure(1)]),
    measureOf("two", async () => {
      throw new Error("99 tasks, not 100");
    }),
    measureOf("three", async () => [figure(3)]),
  ];
  const results = await runMeasures(measures, benchThatSays(said));
  expect(results.map(({ id, figures, error }) => [id, figures, error])).toEqual([
    ["one", [figure(1)], undefined],
    ["two", [], "99 tasks, not 100"],
    ["three", [figure(3)], undefined],
  ]);
  expect(said).toContain("two failed: 99 tasks, not 100");
});

test.each([Number.NaN, Infinity])("a figure that is %d is a failure of its measure", async (value) => {
  const [result] = await runMeasures([measureOf("one", async () => [figure(value)])], benchThatSays([]));
  expect(result).toMatchObject({ figures: [], error: expect.stringContaining('"rate"') });
});

test("every measure is given the one bench, so that they can share what they have measured", async () => {
  const bench = benchThatSays([]);
  const given: Bench[] = [];
  const keep: Measure["run"] = async (one) => {
    given.push(one);
    return [];
  };
  await runMeasures(
    ["one", "two"].map((id) => ({ id, title: id, run: keep })),
    bench,
  );
  expect(given.every((one) => one === bench)).toBe(true);
  expect(given).toHaveLength(2);
});
