import { MEASURE_IDS } from "../measure.ts";
import { failedOf, type Report } from "./report.ts";

/** The text of a guide with these results between its two marker lines. @throws Error when it lacks a marker line */
export function replaceResults(guide: string, results: string): string {
  const lines = guide.split("\n");
  const [begin, end] = [lines.indexOf(BEGIN), lines.lastIndexOf(END)];
  if (begin < 0 || end < begin) {
    throw new Error(
      `expected the line ${BEGIN} and below it the line ${END}: add them where the results belong`,
    );
  }
  return [...lines.slice(0, begin + 1), "", results.trim(), "", ...lines.slice(end)].join("\n");
}

const BEGIN = "<!-- results:begin -->";
const END = "<!-- results:end -->";

/** Why a run does not replace the results of the guide; undefined when it is complete. */
export function incompletenessOf({ scale, results }: Report): string | undefined {
  if (scale !== 1) return `the scale of the run was ${scale}, not 1`;
  const missing = MEASURE_IDS.filter((id) => results.every((result) => result.id !== id));
  if (missing.length > 0) return `the run was without ${missing.join(", ")}`;
  const failed = failedOf({ results }).map(({ id }) => id);
  return failed.length > 0 ? `these measures failed: ${failed.join(", ")}` : undefined;
}
