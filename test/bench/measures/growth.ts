import { longBacklog } from "../long-backlog.ts";
import type { Bench, Figure, Measure } from "../measure.ts";
import { median } from "../percentiles.ts";
import { routeBacklog, type Backlog, type BacklogOptions } from "../route-backlog.ts";
import { WORKLOAD, type WorkloadShape } from "../workload.ts";

interface Line extends Pick<Figure, "name" | "goal" | "note"> {
  readonly options: Omit<BacklogOptions, "count">;
}

const COUNT = 100_000;
/** The base, and what has a goal, is run in each of them, since machines drift; the other lines in one. */
const ROUNDS = 3;

const TEN_TIMES: WorkloadShape = { ...WORKLOAD, tickers: 2_000, signals: 200, strategies: 1_000 };

const crowded = (strategies: number): WorkloadShape => ({
  ...WORKLOAD,
  signals: 1,
  strategies,
  strategiesPerSignal: strategies,
});

const LINES: readonly Line[] = [
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
    note: "they share the machine's cores with Redis",
    options: { routers: 2 },
  },
  { name: "4 router processes", options: { routers: 4 } },
  ...[16, 64, 1_024].map((max) => ({
    name: `BATCH_COUNT_MAX ${max}`,
    options: { env: { BATCH_COUNT_MAX: String(max) } },
  })),
];

const CROWDED: readonly { readonly strategies: number; readonly count: number }[] = [
  { strategies: 100, count: 10_000 },
  { strategies: 500, count: 2_000 },
];

/** What becomes of the rate when something grows: ratios to the same base, taken in the same measure. */
export const growth: Measure = {
  id: "growth",
  title: "Growth",
  async run(bench) {
    const bases: number[] = [];
    const rates = LINES.map((): number[] => []);
    for (let round = 0; round < ROUNDS; round += 1) {
      bases.push(rateOf(await routed(bench, "base")));
      for (const [i, { name, goal, options }] of LINES.entries()) {
        if (goal === undefined && i % ROUNDS !== round) continue;
        rates[i]?.push(rateOf(await routed(bench, name, COUNT, options)));
      }
    }
    const base = median(bases);
    const figures: Figure[] = [
      {
        name: "base: one router, BATCH_COUNT_MAX 256",
        value: base,
        unit: "signals/s",
        note: `median of ${bases.map((rate) => Math.round(rate)).join(", ")}: as much is chance, in the lines that were run once too`,
      },
    ];
    for (const [i, { name, goal, note }] of LINES.entries()) {
      const value = median(rates[i] ?? []) / base;
      figures.push({ name, value, unit: "× base", ...(goal && { goal }), ...(note && { note }) });
    }
    const long = await longBacklog(bench);
    figures.push({
      name: `${long.signals.toLocaleString("en")} signals waiting`,
      value: rateOf(long) / base,
      unit: "× base",
      goal: { least: 0.95 },
      note: "the longer run also spreads the start of the process over more signals",
    });
    for (const { strategies, count } of CROWDED) {
      const name = `${strategies} strategies on one phrase`;
      const backlog = await routed(bench, name, count, { shape: crowded(strategies) });
      figures.push(
        { name, value: rateOf(backlog), unit: "signals/s", note: `${backlog.signals} signals` },
        { name: `${name}, tasks`, value: backlog.tasks / backlog.seconds, unit: "tasks/s" },
      );
    }
    return figures;
  },
};

async function routed(
  bench: Bench,
  name: string,
  count = COUNT,
  options: Omit<BacklogOptions, "count"> = {},
): Promise<Backlog> {
  bench.say(name);
  return routeBacklog(bench, { count: bench.scaled(count), ...options });
}

function rateOf({ signals, seconds }: Backlog): number {
  return signals / seconds;
}
