import type { Figure, MeasureId, Unit } from "../measure.ts";
import type { MeasureResult, Report } from "./report.ts";

/** A group of the chart: figures with the same unit, to be compared with each other. */
export interface ChartGroup {
  readonly title: string;
  readonly unit: Unit;
  readonly figures: readonly Figure[];
}

interface Selection {
  readonly title: string;
  readonly unit: Unit;
  /** The measures whose figures with this unit are drawn. */
  readonly measures: readonly MeasureId[];
}

const SELECTIONS: readonly Selection[] = [
  {
    title: "Routing, and comparisons",
    unit: "signals/s",
    measures: ["routing", "ceiling", "plain-loop", "bullmq"],
  },
  {
    title: "Redis' time per signal",
    unit: "µs",
    measures: ["routing", "ceiling", "plain-loop", "bullmq"],
  },
  { title: "Latency", unit: "ms", measures: ["latency"] },
  { title: "Waiting times of other clients", unit: "ms", measures: ["pinging"] },
  { title: "Log, and the whole path", unit: "signals/s", measures: ["log", "execution"] },
  { title: "Growth", unit: "× base", measures: ["growth"] },
  { title: "Memory", unit: "MB", measures: ["routing", "growth", "memory"] },
  { title: "Cold start", unit: "ms", measures: ["cold-start"] },
];

/** Ratios are not drawn, even with a goal: each compares two figures that are drawn as bars. */
const LEFT_OUT: ReadonlySet<Unit> = new Set(["×", "%", "commands"]);

/** The groups to draw: the selections above, and all other figures that have a goal. Empty groups are left out. */
export function chartGroupsOf({ results }: Pick<Report, "results">): ChartGroup[] {
  const chosen = SELECTIONS.map(({ title, unit, measures }) => ({
    title,
    unit,
    figures: measures.flatMap((id) =>
      results
        .filter((result) => result.id === id)
        .flatMap((result) => result.figures)
        .filter((figure) => figure.unit === unit),
    ),
  }));
  const drawn = new Set(chosen.flatMap(({ figures }) => figures));
  const others = results.flatMap((result) => othersOf(result, drawn));
  return [...chosen, ...others].filter(({ figures }) => figures.length > 0);
}

/** Figures of a measure that have a goal and are in no selection, by unit. */
function othersOf({ title, figures }: MeasureResult, drawn: ReadonlySet<Figure>): ChartGroup[] {
  const others = figures.filter(
    (figure) => figure.goal !== undefined && !drawn.has(figure) && !LEFT_OUT.has(figure.unit),
  );
  const units = [...new Set(others.map(({ unit }) => unit))];
  return units.map((unit) => ({ title, unit, figures: others.filter((figure) => figure.unit === unit) }));
}
