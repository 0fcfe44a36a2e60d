import { messageOf } from "../../runner/trouble.ts";
import type { Bench, Measure } from "./measure.ts";
import type { MeasureResult } from "./report.ts";

/** Takes one measure after the other; one that fails leaves its message, and the others go on. */
export async function runMeasures(measures: readonly Measure[], bench: Bench): Promise<MeasureResult[]> {
  const results: MeasureResult[] = [];
  for (const measure of measures) results.push(await take(measure, bench));
  return results;
}

async function take(measure: Measure, bench: Bench): Promise<MeasureResult> {
  const { id, title } = measure;
  const startedAt = performance.now();
  const seconds = (): number => Math.round(performance.now() - startedAt) / 1000;
  bench.say(`${title}:`);
  try {
    // The bench itself and no copy: what measures share they keep by it.
    const figures = await measure.run(bench);
    for (const { name, value } of figures) {
      if (!Number.isFinite(value)) throw new Error(`"${name}" is ${value}, which is no number`);
    }
    return { id, title, seconds: seconds(), figures };
  } catch (error) {
    bench.say(`${id} failed: ${messageOf(error)}`);
    return { id, title, seconds: seconds(), figures: [], error: messageOf(error) };
  }
}
