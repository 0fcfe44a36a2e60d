import type { Bench, Figure, Measure } from "../measure.ts";
import { routeBacklog } from "../route-backlog.ts";

/** A backlog through one router: how fast, and what it costs Redis. */
export const routing: Measure = {
  id: "routing",
  title: "Routing",
  async run(bench) {
    const figures = [
      ...(await figuresOf(bench, "off", "without AOF")),
      ...(await figuresOf(bench, "everysec", "AOF everysec")),
    ];
    return figures;
  },
};

async function figuresOf(bench: Bench, aof: "everysec" | "off", how: string): Promise<Figure[]> {
  const count = bench.scaled(100_000);
  bench.say(`${count} signals through one router, ${how}`);
  const { seconds, signals, tasks, redis, routerMbMax } = await routeBacklog(bench, { count, aof });
  const figures: Figure[] = [
    {
      name: `routing, one router, ${how}`,
      value: signals / seconds,
      unit: "signals/s",
      goal: { least: 25_000 },
    },
    { name: `tasks handed on, ${how}`, value: tasks / seconds, unit: "tasks/s" },
    {
      name: `Redis per signal, in commands, ${how}`,
      value: redis.commandsUs / signals,
      unit: "µs",
      goal: { most: 30 },
    },
    { name: `Redis per signal, whole thread, ${how}`, value: redis.mainThreadUs / signals, unit: "µs" },
  ];
  if (routerMbMax === undefined) return figures;
  const memory: Figure = { name: `memory of the router at most, ${how}`, value: routerMbMax, unit: "MB" };
  return [...figures, { ...memory, goal: { most: 250 } }];
}
