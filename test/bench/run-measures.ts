import { messageOf } from "../../shared/error-message.ts";
import { PartlyMeasured, type Bench, type Figure, type Measure } from "./measure.ts";
import type { MeasureResult } from "./report/report.ts";

export interface RunOptions {
  /** Called after each measure with the results so far. */
  readonly taken?: (results: readonly MeasureResult[]) => Promise<void>;
  /** Nothing is begun after it, and what fails after it has not failed by itself. */
  readonly stop?: AbortSignal;
}

/** Takes one measure after the other; one that fails leaves its message, and the others go on. */
export async function runMeasures(
  measures: readonly Measure[],
  bench: Bench,
  { taken, stop }: RunOptions = {},
): Promise<MeasureResult[]> {
  const results: MeasureResult[] = [];
  const stopped = (): boolean => stop?.aborted ?? false;
  for (const measure of measures) {
    if (stopped()) break;
    const result = await take(measure, bench);
    if (stopped() && result.error !== undefined) break;
    results.push(result);
    await taken?.(results);
  }
  return results;
}

async function take(measure: Measure, bench: Bench): Promise<MeasureResult> {
  const { id, title } = measure;
  const startedAt = performance.now();
  const resultOf = (figures: readonly Figure[], error?: string): MeasureResult => {
    const seconds = Math.round(performance.now() - startedAt) / 1000;
    return { id, title, seconds, figures, ...(error !== undefined && { error }) };
  };
  bench.say(`${title}:`);
  try {
    // The bench itself and no copy: what measures share they keep by it.
    return resultOf(numbersIn(await measure.run(bench)));
  } catch (error) {
    const message = messageOf(error);
    bench.say(`${id} failed: ${message}`);
    return resultOf(error instanceof PartlyMeasured ? numbersIn(error.figures) : [], message);
  }
}

/** @throws Error when one of the figures is none */
function numbersIn(figures: readonly Figure[]): readonly Figure[] {
  for (const { name, value } of figures) {
    if (!Number.isFinite(value)) throw new Error(`"${name}" is ${value}, which is no number`);
  }
  return figures;
}
