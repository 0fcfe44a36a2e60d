import type { Bench, Figure, Measure } from "../measure.ts";
import { listed, median } from "../percentiles.ts";
import { rateOf, routeBacklog, type Backlog } from "../route-backlog.ts";

/** Runs of each kind, in turn, since the speed of a machine drifts. */
const ROUNDS = 3;

const KINDS = [
  { aof: "off", how: "without AOF" },
  { aof: "everysec", how: "AOF everysec" },
] as const;

/** A backlog through one router: its rate and what it costs Redis. */
export const routing: Measure = {
  id: "routing",
  title: "Routing",
  async run(bench) {
    const runs = KINDS.map((kind): Kind => ({ ...kind, backlogs: [] }));
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const { aof, how, backlogs } of runs) backlogs.push(await backlogOf(bench, aof, how));
    }
    return runs.flatMap(figuresOf);
  },
};

interface Kind {
  readonly aof: "everysec" | "off";
  readonly how: string;
  readonly backlogs: Backlog[];
}

async function backlogOf(bench: Bench, aof: "everysec" | "off", how: string): Promise<Backlog> {
  const count = bench.scaled(100_000);
  bench.say(`${count} signals through one router, ${how}`);
  return routeBacklog(bench, { count, aof });
}

function routerFigures(how: string, backlogs: readonly Backlog[]): Figure[] {
  const each = backlogs.flatMap(({ routerCpuMs, signals }) =>
    routerCpuMs === undefined ? [] : [(routerCpuMs * 1_000) / signals],
  );
  if (each.length < backlogs.length) return [];
  return [{ name: `CPU of the router per signal, ${how}`, value: median(each), unit: "µs" }];
}

function figuresOf({ how, backlogs }: Kind): Figure[] {
  const each = (of: (backlog: Backlog) => number): number => median(backlogs.map(of));
  const rates = backlogs.map(rateOf);
  const figures: Figure[] = [
    {
      name: `routing, one router, ${how}`,
      value: median(rates),
      unit: "signals/s",
      goal: { least: 25_000 },
      note: `median of ${listed(rates)}`,
    },
    {
      name: `tasks dispatched, ${how}`,
      value: each(({ tasks, seconds }) => tasks / seconds),
      unit: "tasks/s",
    },
    {
      name: `Redis per signal, in commands, ${how}`,
      value: each(({ redis, signals }) => redis.commandsUs / signals),
      unit: "µs",
      goal: { most: 30 },
    },
    {
      name: `Redis per signal, whole thread, ${how}`,
      value: each(({ redis, signals }) => redis.mainThreadUs / signals),
      unit: "µs",
    },
    {
      name: `Redis commands per signal, ${how}`,
      value: each(({ redis, signals }) => redis.commands / signals),
      unit: "commands",
    },
    ...routerFigures(how, backlogs),
  ];
  const peaksMb = backlogs.flatMap(({ routerMbMax }) => routerMbMax ?? []);
  if (peaksMb.length < backlogs.length) return figures;
  const memory: Figure = {
    name: `peak memory of the router, ${how}`,
    value: Math.max(...peaksMb),
    unit: "MB",
  };
  return [...figures, { ...memory, goal: { most: 250 } }];
}
