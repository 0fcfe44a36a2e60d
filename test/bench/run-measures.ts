import { messageOf } from "../../shared/error-message.ts";
import { PartlyMeasured, type Bench, type Figure, type Measure } from "./measure.ts";
import type { MeasureResult } from "./report/report.ts";

/** Takes one measure after the other; the result of one that fails is its message. */
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

export interface RunOptions {
  /** Called after each measure with the results so far. */
  readonly taken?: (results: readonly MeasureResult[]) => Promise<void>;
  /** No measure starts after it; a failure after it is not the measure's own. */
  readonly stop?: AbortSignal;
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
    // The bench itself, not a copy: measures share results by its identity.
    return resultOf(numbersIn(await measure.run(bench)));
  } catch (error) {
    const message = messageOf(error);
    bench.say(`${id} failed: ${message}`);
    return resultOf(error instanceof PartlyMeasured ? numbersIn(error.figures) : [], message);
  }
}

/** @throws Error when the value of a figure is not a finite number */
function numbersIn(figures: readonly Figure[]): readonly Figure[] {
  for (const { name, value } of figures) {
    if (!Number.isFinite(value)) throw new Error(`the figure "${name}" is ${value}, not a finite number`);
  }
  return figures;
}
