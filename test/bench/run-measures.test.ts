import { expect, test } from "vitest";
import { PartlyMeasured, type Bench, type Figure, type Measure, type MeasureId } from "./measure.ts";
import { runMeasures } from "./run-measures.ts";

async function startsNothing(): Promise<never> {
  throw new Error("these measures start nothing");
}

function benchWith(lines: string[]): Bench {
  return {
    startRedis: startsNothing,
    freshDatabase: startsNothing,
    startNeonBridge: startsNothing,
    scaled: (count) => count,
    say: (text) => void lines.push(text),
  };
}

const measureOf = (id: MeasureId, run: Measure["run"]): Measure => ({ id, title: id, run });
const figure = (value: number): Figure => ({ name: "rate", value, unit: "signals/s" });

test("a measure that throws keeps its message, and the others are still taken", async () => {
  const lines: string[] = [];
  const measures = [
    measureOf("routing", async () => [figure(1)]),
    measureOf("bullmq", async () => {
      throw new Error("99 tasks, not 100");
    }),
    measureOf("log", async () => [figure(3)]),
  ];
  const results = await runMeasures(measures, benchWith(lines));
  expect(results.map(({ id, figures, error }) => [id, figures, error])).toEqual([
    ["routing", [figure(1)], undefined],
    ["bullmq", [], "99 tasks, not 100"],
    ["log", [figure(3)], undefined],
  ]);
  expect(lines).toContain("bullmq failed: 99 tasks, not 100");
});

test("a measure that fails in part keeps its figures and the message", async () => {
  const partly = measureOf("growth", async () => {
    throw new PartlyMeasured("4 router processes: 99 tasks, not 100", [figure(1)]);
  });
  const [result] = await runMeasures([partly], benchWith([]));
  expect(result).toMatchObject({ figures: [figure(1)], error: "4 router processes: 99 tasks, not 100" });
});

test.each([Number.NaN, Infinity])("a figure of %d makes its measure fail", async (value) => {
  const [result] = await runMeasures([measureOf("routing", async () => [figure(value)])], benchWith([]));
  expect(result).toMatchObject({ figures: [], error: expect.stringContaining('"rate"') });
});

test("every measure gets the same bench, so that they can share what they have measured", async () => {
  const bench = benchWith([]);
  const given: Bench[] = [];
  const keep: Measure["run"] = async (one) => {
    given.push(one);
    return [];
  };
  await runMeasures([measureOf("routing", keep), measureOf("log", keep)], bench);
  expect(given.every((one) => one === bench)).toBe(true);
  expect(given).toHaveLength(2);
});

test("after each measure the results so far can be kept", async () => {
  const kept: MeasureId[][] = [];
  const measures = [measureOf("routing", async () => [figure(1)]), measureOf("log", async () => [figure(2)])];
  const taken = async (results: readonly { id: MeasureId }[]): Promise<void> =>
    void kept.push(results.map(({ id }) => id));
  await runMeasures(measures, benchWith([]), { taken });
  expect(kept).toEqual([["routing"], ["routing", "log"]]);
});

test("when it is stopped it starts no other measure and drops the interrupted one", async () => {
  const stop = new AbortController();
  const ran: MeasureId[] = [];
  const keep =
    (id: MeasureId): Measure["run"] =>
    async () => {
      ran.push(id);
      return [figure(1)];
    };
  const broken = measureOf("bullmq", async () => {
    stop.abort();
    throw new Error("Connection is closed.");
  });
  const measures = [measureOf("routing", keep("routing")), broken, measureOf("log", keep("log"))];
  const results = await runMeasures(measures, benchWith([]), { stop: stop.signal });
  expect(results.map(({ id }) => id)).toEqual(["routing"]);
  expect(ran).toEqual(["routing"]);
});
