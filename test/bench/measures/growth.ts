import { CROWDED, LINES, type Line } from "../growth-lines.ts";
import { keptRuns, type KeptRuns } from "../kept-runs.ts";
import { longBacklog } from "../long-backlog.ts";
import { PartlyMeasured, type Bench, type Figure, type Measure } from "../measure.ts";
import { grouped, listed, median } from "../percentiles.ts";
import { rateOf, routeBacklog, type Backlog } from "../route-backlog.ts";

/** How the rate changes when something grows: ratios to a base that is taken in the same measure. */
export const growth: Measure = {
  id: "growth",
  title: "Growth",
  async run(bench) {
    const runs = await takeAll(bench);
    const failures = runs.failures().join("\n");
    const bases = runs.of(BASE.name).map(rateOf);
    if (bases.length === 0) throw new Error(failures);
    const figures = [
      ...ratiosTo(bases, runs),
      ...CROWDED.flatMap(({ name }) => runs.of(name).flatMap((backlog) => crowdedFigures(name, backlog))),
      ...memoryFigures(runs),
    ];
    if (failures !== "") throw new PartlyMeasured(failures, figures);
    return figures;
  },
};

const COUNT = 100_000;
/** The base and the lines with a goal run in each round, since the speed of a machine drifts; the others in one. */
const ROUNDS = 3;
const BASE: Line = { name: "base: one router, BATCH_COUNT_MAX 256", options: {} };
const LONG = "the long backlog";
/** The base of the long backlog. */
const LONG_BASE: Line = { name: "base without AOF", options: { aof: "off" } };

async function takeAll(bench: Bench): Promise<KeptRuns> {
  const runs = keptRuns();
  const take = async ({ name, options }: Line, count: number): Promise<void> => {
    bench.say(name);
    await runs.take(name, async () => routeBacklog(bench, { count: bench.scaled(count), ...options }));
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    await take(BASE, COUNT);
    await take(LONG_BASE, COUNT);
    for (const [i, line] of LINES.entries()) {
      if (line.goal !== undefined || i % ROUNDS === round) await take(line, COUNT);
    }
  }
  await runs.take(LONG, async () => longBacklog(bench));
  for (const line of CROWDED) await take(line, line.count);
  return runs;
}

function ratiosTo(bases: readonly number[], runs: KeptRuns): Figure[] {
  const base = median(bases);
  const ratios = LINES.flatMap(({ name, goal, note }): Figure[] => {
    const rates = runs.of(name).map(rateOf);
    if (rates.length === 0) return [];
    return [
      { name, value: median(rates) / base, unit: "× base", ...(goal && { goal }), ...(note && { note }) },
    ];
  });
  const longBases = runs.of(LONG_BASE.name).map(rateOf);
  const longRuns = longBases.length === 0 ? [] : runs.of(LONG);
  const long = longRuns.map((backlog): Figure => ({
    name: `${grouped(backlog.signals)} signals waiting, without AOF`,
    value: rateOf(backlog) / median(longBases),
    unit: "× base",
    goal: { least: 0.95 },
    note:
      `its base is without AOF too: median of ${listed(longBases)} signals/s; in the longer run the start of the process counts less. ` +
      "With AOF this run writes 3.8 GB, and would measure the disk",
  }));
  return [
    {
      name: BASE.name,
      value: base,
      unit: "signals/s",
      note: `median of ${listed(bases)}: they differ by chance as much as this, and so do lines that were run once`,
    },
    ...ratios,
    ...long,
  ];
}

function crowdedFigures(name: string, backlog: Backlog): Figure[] {
  const { signals, tasks, seconds } = backlog;
  return [
    { name, value: rateOf(backlog), unit: "signals/s", note: `${signals} signals` },
    { name: `${name}, tasks`, value: tasks / seconds, unit: "tasks/s" },
  ];
}

/** None where the system does not report the memory of a process. */
function memoryFigures(runs: KeptRuns): Figure[] {
  const peaks = runs
    .all()
    .flatMap(({ name, backlog: { routerMbMax } }) =>
      routerMbMax === undefined ? [] : [{ name, mb: routerMbMax }],
    );
  const [most] = peaks.toSorted((a, b) => b.mb - a.mb);
  if (most === undefined) return [];
  return [
    {
      name: "peak memory of a router, in any of these runs",
      value: most.mb,
      unit: "MB",
      goal: { most: 250 },
      note: `${peaks.length} runs; the highest in: ${most.name}`,
    },
  ];
}
