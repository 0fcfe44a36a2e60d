import type { Figure, MeasureId } from "../measure.ts";
import { meets } from "./goal.ts";
import type { Surroundings } from "./surroundings.ts";

/** What one measure came to. */
export interface MeasureResult {
  readonly id: MeasureId;
  readonly title: string;
  /** Time it took. */
  readonly seconds: number;
  readonly figures: readonly Figure[];
  /** Why it has no figures or not all of them; absent when it went well. */
  readonly error?: string;
}

/** Everything a run of the bench has to say. */
export interface Report {
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** As it was typed. */
  readonly command: string;
  /** Everything was counted in this part of its full size. */
  readonly scale: number;
  readonly surroundings: Surroundings;
  readonly results: readonly MeasureResult[];
  /** Measures that were still to be taken when it was written. */
  readonly outstanding: readonly MeasureId[];
}

/** Above it, per core, others had a part in the numbers. */
const LOAD_PER_CORE_MAX = 0.5;

/** What makes the numbers of this run less than what they seem. */
export function warningsOf({ scale, surroundings, outstanding }: Omit<Report, "results">): string[] {
  const { loadAverage, cores } = surroundings;
  const warnings: string[] = [];
  if (scale !== 1) {
    const part = (scale * 100).toLocaleString("en-US", { maximumSignificantDigits: 3 });
    warnings.push(`Counted in ${part} % of full size: a quick look, not to be compared with full runs.`);
  }
  if (loadAverage / cores > LOAD_PER_CORE_MAX) {
    warnings.push(
      `The machine was busy: a load average of ${loadAverage.toFixed(2)} on ${cores} cores at the start.`,
    );
  }
  if (outstanding.length > 0) {
    warnings.push(`The run has not come to its end; not taken: ${outstanding.join(", ")}.`);
  }
  return warnings;
}

/** Figures with a goal, and whether it is met. */
export function goalsOf({ results }: Pick<Report, "results">): { figure: Figure; met: boolean }[] {
  return results.flatMap(({ figures }) =>
    figures.flatMap((figure) =>
      figure.goal === undefined ? [] : [{ figure, met: meets(figure.value, figure.goal) }],
    ),
  );
}

/** Measures that failed, if only in part, and the first line of why: a router's last output may be long. */
export function failedOf({ results }: Pick<Report, "results">): { id: string; why: string }[] {
  return results.flatMap(({ id, error }) =>
    error === undefined ? [] : [{ id, why: error.split("\n")[0] ?? "" }],
  );
}

/** The whole report for programs, with `met` beside each goal. */
export function jsonOf(report: Report): string {
  const results = report.results.map((result) => ({
    ...result,
    figures: result.figures.map((figure) =>
      figure.goal === undefined ? figure : { ...figure, met: meets(figure.value, figure.goal) },
    ),
  }));
  return `${JSON.stringify({ ...report, warnings: warningsOf(report), results }, null, 2)}\n`;
}
