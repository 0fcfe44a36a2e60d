import type { Measure } from "../measure.ts";
import { grouped } from "../percentiles.ts";
import { executeBacklog } from "../task-backlog.ts";
import { wholePath } from "../whole-path.ts";

/** How fast tasks are run: alone, and in a router that does everything at once. */
export const execution: Measure = {
  id: "execution",
  title: "Execution",
  async run(bench) {
    const count = bench.scaled(20_000);
    bench.say(`the tasks of ${count} signals through one router with the handler "log"`);
    const { tasks, seconds, redis } = await executeBacklog(bench, count);
    bench.say(`${count} signals through one router that decides, runs and logs them`);
    const whole = await wholePath(bench, count);
    return [
      {
        name: "tasks run by one router",
        value: tasks / seconds,
        unit: "tasks/s",
        note: `the handler "log", which only writes a line of output; a real handler mostly waits, within STRATEGY_CONCURRENCY_MAX`,
      },
      { name: "Redis per task, whole thread", value: redis.mainThreadUs / tasks, unit: "µs" },
      {
        name: "decided, run and logged by one router",
        value: whole.signals / whole.seconds,
        unit: "signals/s",
        note: `${grouped(count)} signals, ${grouped(tasks)} tasks and ${grouped(count + tasks)} records in one process, until the last row is in PostgreSQL`,
      },
    ];
  },
};
