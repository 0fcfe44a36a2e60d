import { besideRouting } from "../beside-routing.ts";
import { loopOverBacklog } from "../loop-over-backlog.ts";
import type { Measure } from "../measure.ts";

/** The price of the guarantees: a loop that makes the same decisions and guarantees nothing. */
export const plainLoop: Measure = {
  id: "plain-loop",
  title: "A plain loop",
  async run(bench) {
    const count = bench.scaled(100_000);
    const { routing, other } = await besideRouting(bench, count, async () => {
      bench.say(`${count} signals through a plain loop`);
      return loopOverBacklog(bench, { count });
    });
    const rate = count / other.seconds;
    return [
      {
        name: "a plain loop",
        value: rate,
        unit: "signals/s",
        note:
          "an XADD per task and an XACK per batch, pipelined: no atomicity, no de-duplication, no counters; " +
          "the record of a decision is discarded, making it is 4 % of the loop's time (CPU profile of 50,000 signals)",
      },
      { name: "routing ÷ plain loop", value: routing / rate, unit: "×" },
      {
        name: "Redis per signal, whole thread, plain loop",
        value: other.redis.mainThreadUs / count,
        unit: "µs",
      },
    ];
  },
};
