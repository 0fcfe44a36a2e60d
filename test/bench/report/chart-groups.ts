import type { Figure } from "./measure.ts";
import type { Report } from "./report.ts";

/** Figures with one unit, to be compared with one another. */
export interface ChartGroup {
  readonly title: string;
  readonly unit: string;
  readonly figures: readonly Figure[];
}

interface Selection {
  readonly title: string;
  readonly unit: string;
  /** Ids of the measures whose figures of that unit are shown. */
  readonly measures: readonly string[];
}

const SELECTIONS: readonly Selection[] = [
  {
    title: "Routing, and what it is compared with",
    unit: "signals/s",
    measures: ["routing", "ceiling", "plain-loop", "bullmq"],
  },
  {
    title: "Redis' time per signal",
    unit: "µs",
    measures: ["routing", "ceiling", "plain-loop", "bullmq"],
  },
  { title: "Latency", unit: "ms", measures: ["latency"] },
  { title: "Others meanwhile", unit: "ms", measures: ["pinging"] },
  { title: "Log, and the whole path", unit: "signals/s", measures: ["log", "execution"] },
  { title: "Growth", unit: "× base", measures: ["growth"] },
  { title: "Memory", unit: "MB", measures: ["routing", "memory"] },
  { title: "Cold start", unit: "ms", measures: ["cold-start"] },
];

/** What is drawn of a report: the groups that have figures. */
export function chartGroupsOf({ results }: Pick<Report, "results">): ChartGroup[] {
  return SELECTIONS.map(({ title, unit, measures }) => ({
    title,
    unit,
    figures: measures.flatMap((id) =>
      results
        .filter((result) => result.id === id)
        .flatMap((result) => result.figures)
        .filter((figure) => figure.unit === unit),
    ),
  })).filter(({ figures }) => figures.length > 0);
}
