import { persistBacklog } from "../log-backlog.ts";
import type { Figure, Measure } from "../measure.ts";

/** The ways to write the log, with the goal of each in signals per second. */
const DRIVERS = [
  { driver: "pg", name: "pg", least: 8_000, note: "a row and five more per signal" },
  {
    driver: "neon",
    name: "the Neon driver",
    least: 6_000,
    note: "its proxy runs in the bench's own process, on the machine of the router and PostgreSQL",
  },
] as const;

/** How fast one router writes the records of a backlog into PostgreSQL. */
export const log: Measure = {
  id: "log",
  title: "Log",
  async run(bench) {
    const count = bench.scaled(100_000);
    const figures: Figure[] = [];
    for (const { driver, name, least, note } of DRIVERS) {
      bench.say(`records of ${count} signals into PostgreSQL through ${name}`);
      const { seconds, signals, rows } = await persistBacklog(bench, { count, driver });
      figures.push(
        {
          name: `log through ${name}`,
          value: signals / seconds,
          unit: "signals/s",
          goal: { least },
          note,
        },
        { name: `log through ${name}, rows`, value: rows / seconds, unit: "rows/s" },
      );
    }
    return figures;
  },
};
