import type { Figure, MeasureId } from "../measure.ts";
import { meets } from "./goal.ts";
import type { Surroundings } from "./surroundings.ts";

/** The result of one measure. */
export interface MeasureResult {
  readonly id: MeasureId;
  readonly title: string;
  /** Duration of the measure. */
  readonly seconds: number;
  readonly figures: readonly Figure[];
  /** Why figures are missing; absent when the measure succeeded. */
  readonly error?: string;
}

/** Everything that a run of the bench reports. */
export interface Report {
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** As it was typed. */
  readonly command: string;
  /** Part of the full size, 1 for a full run. */
  readonly scale: number;
  readonly surroundings: Surroundings;
  readonly results: readonly MeasureResult[];
  /** Measures still to be taken when the report was written. */
  readonly outstanding: readonly MeasureId[];
}

/** Above this load per core, other processes influence the figures. */
const LOAD_PER_CORE_MAX = 0.5;

/** Reasons not to trust the figures of this run. */
export function warningsOf({ scale, surroundings, outstanding }: Omit<Report, "results">): string[] {
  const { loadAverage, cores } = surroundings;
  const warnings: string[] = [];
  if (scale !== 1) {
    const part = (scale * 100).toLocaleString("en-US", { maximumSignificantDigits: 3 });
    warnings.push(`Measured at ${part} % of full size: do not compare these figures with full runs.`);
  }
  if (loadAverage / cores > LOAD_PER_CORE_MAX) {
    warnings.push(
      `The machine was busy: a load average of ${loadAverage.toFixed(2)} on ${cores} cores at the start.`,
    );
  }
  if (outstanding.length > 0) {
    warnings.push(`The run is not finished. Missing measures: ${outstanding.join(", ")}.`);
  }
  return warnings;
}

/** The figures with a goal, and whether they meet it. */
export function goalsOf({ results }: Pick<Report, "results">): { figure: Figure; met: boolean }[] {
  return results.flatMap(({ figures }) =>
    figures.flatMap((figure) =>
      figure.goal === undefined ? [] : [{ figure, met: meets(figure.value, figure.goal) }],
    ),
  );
}

/** Measures that failed, also in part, with the first line of the reason: a router's output may be long. */
export function failedOf({ results }: Pick<Report, "results">): { id: string; why: string }[] {
  return results.flatMap(({ id, error }) =>
    error === undefined ? [] : [{ id, why: error.split("\n")[0] ?? "" }],
  );
}

/** The whole report as JSON, with `met` beside each goal. */
export function jsonOf(report: Report): string {
  const results = report.results.map((result) => ({
    ...result,
    figures: result.figures.map((figure) =>
      figure.goal === undefined ? figure : { ...figure, met: meets(figure.value, figure.goal) },
    ),
  }));
  return `${JSON.stringify({ ...report, warnings: warningsOf(report), results }, null, 2)}\n`;
}
