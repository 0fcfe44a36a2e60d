import type { Figure } from "./measure.ts";
import type { BacklogOptions } from "./route-backlog.ts";
import { WORKLOAD, type WorkloadShape } from "./workload.ts";

/** A backlog of the measure `growth`: it differs from the base in one thing. */
export interface Line extends Pick<Figure, "name" | "goal" | "note"> {
  readonly options: Omit<BacklogOptions, "count">;
}

const OTHERS_START =
  "The time begins with the first read of the first router, so it contains the start of the others, which matters more in short runs";

const TEN_TIMES: WorkloadShape = { ...WORKLOAD, tickers: 2_000, signals: 200, strategies: 1_000 };

const crowded = (strategies: number): WorkloadShape => ({
  ...WORKLOAD,
  signals: 1,
  strategies,
  strategiesPerSignal: strategies,
});

/** Backlogs of the same length as the base. */
export const LINES: readonly Line[] = [
  {
    name: "10 × the reference data",
    goal: { least: 0.9 },
    note: "2,000 tickers, 200 signals, 1,000 strategies; five for each signal, as before",
    options: { shape: TEN_TIMES },
  },
  {
    name: "half of the signals are duplicates",
    options: { shape: { ...WORKLOAD, inPairs: true } },
  },
  {
    name: "2 router processes",
    note: `they share the cores with Redis. ${OTHERS_START}`,
    options: { routers: 2 },
  },
  {
    name: "4 router processes",
    note: `the same. ${OTHERS_START}`,
    options: { routers: 4 },
  },
  ...[16, 64, 1_024].map((max) => ({
    name: `BATCH_COUNT_MAX ${max}`,
    options: { env: { BATCH_COUNT_MAX: String(max) } },
  })),
];

/** Shorter backlogs, with their full size, in which a signal becomes many tasks. */
export const CROWDED: readonly (Line & { readonly count: number })[] = [
  { name: "100 strategies on one phrase", count: 10_000, options: { shape: crowded(100) } },
  { name: "500 strategies on one phrase", count: 2_000, options: { shape: crowded(500) } },
];
