import type { Bench, Figure, Measure } from "../measure.ts";
import { median } from "../percentiles.ts";
import { routeBacklog } from "../route-backlog.ts";
import { WORKLOAD, type WorkloadShape } from "../workload.ts";

/** What five fields that come along with each signal cost Redis: in its stream, in the record and in each of the four tasks. */
export const extra: Measure = {
  id: "extra",
  title: "What comes along",
  async run(bench) {
    const count = bench.scaled(100_000);
    const pairs: Pair[] = [];
    for (let pair = 1; pair <= PAIRS; pair += 1) {
      bench.say(`${count} signals without and with five extra fields, pair ${pair} of ${PAIRS}`);
      // In turn, since the speed of a machine drifts; the first of a pair may find it colder.
      const first = await costOf(bench, count, pair % 2 === 0 ? WITH_EXTRA : WORKLOAD);
      const second = await costOf(bench, count, pair % 2 === 0 ? WORKLOAD : WITH_EXTRA);
      pairs.push(pair % 2 === 0 ? { without: second, with: first } : { without: first, with: second });
    }
    return [
      ratioOf(pairs, "CPU time of its main thread", ({ mainThreadUs }) => mainThreadUs),
      ratioOf(pairs, "in commands", ({ commandsUs }) => commandsUs),
    ];
  },
};

const PAIRS = 5;

/** Price, quantity, stop, target and the chart's interval, as TradingView sends them. */
const WITH_EXTRA: WorkloadShape = {
  ...WORKLOAD,
  extra: { close: "64123.50", qty: "0.10", stop: "63900.50", target: "65000", interval: "15" },
};

interface Cost {
  readonly commandsUs: number;
  readonly mainThreadUs: number;
}

interface Pair {
  readonly without: Cost;
  readonly with: Cost;
}

/** Per signal, in µs. */
async function costOf(bench: Bench, count: number, shape: WorkloadShape): Promise<Cost> {
  const { redis, signals } = await routeBacklog(bench, { count, shape });
  return { commandsUs: redis.commandsUs / signals, mainThreadUs: redis.mainThreadUs / signals };
}

function ratioOf(pairs: readonly Pair[], what: string, of: (cost: Cost) => number): Figure {
  const ratios = pairs.map((pair) => of(pair.with) / of(pair.without));
  const usOf = (which: keyof Pair): string => median(pairs.map((pair) => of(pair[which]))).toFixed(1);
  return {
    name: `Redis per signal with five extra fields ÷ without, ${what}`,
    value: median(ratios),
    unit: "×",
    goal: { most: 1.1 },
    note: `${usOf("with")} and ${usOf("without")} µs; median of ${ratios.map((ratio) => ratio.toFixed(3)).join(", ")}`,
  };
}
