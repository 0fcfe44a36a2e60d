import type { Measure } from "../measure.ts";
import { routeBacklog } from "../route-backlog.ts";

/** A backlog through one router: how fast, and what it costs Redis. */
export const routing: Measure = {
  id: "routing",
  title: "Routing",
  async run(bench) {
    const count = bench.scaled(100_000);
    bench.say(`${count} signals through one router`);
    const { seconds, signals, tasks, redis, routerMbMax } = await routeBacklog(bench, { count });
    const figures = [
      { name: "routing, one router", value: signals / seconds, unit: "signals/s", goal: { least: 25_000 } },
      { name: "tasks handed on", value: tasks / seconds, unit: "tasks/s" },
      {
        name: "Redis per signal, in commands",
        value: redis.commandsUs / signals,
        unit: "µs",
        goal: { most: 30 },
      },
      { name: "Redis per signal, whole thread", value: redis.mainThreadUs / signals, unit: "µs" },
    ];
    if (routerMbMax === undefined) return figures;
    return [
      ...figures,
      { name: "memory of the router at most", value: routerMbMax, unit: "MB", goal: { most: 250 } },
    ];
  },
};
