import { besideRouting } from "../beside-routing.ts";
import type { Measure } from "../measure.ts";
import { recordCommits, replayCommits } from "../replay/recorded-commits.ts";

const IN_FLIGHT_MAX = 32;

/** The commit calls of a backlog once more, from a client that has nothing to decide: what Redis alone needs for them. */
export const ceiling: Measure = {
  id: "ceiling",
  title: "The ceiling",
  async run(bench) {
    const count = bench.scaled(100_000);
    bench.say(`${count} signals through one router and a relay that keeps its commits`);
    const recording = await recordCommits(bench, count);
    const { routing, other } = await besideRouting(bench, count, async () => {
      bench.say(`${recording.calls.length} commit calls, sent again`);
      return replayCommits(bench, recording, { inFlightMax: IN_FLIGHT_MAX });
    });
    const { seconds, cost } = other;
    const rate = count / seconds;
    return [
      {
        name: "the ceiling: the commits alone",
        value: rate,
        unit: "signals/s",
        note:
          `${recording.calls.length} recorded calls, ${IN_FLIGHT_MAX} in flight; reading the signals is not part of it; ` +
          "all of them are pending at once, where a router has a few batches: a larger list to acknowledge from",
      },
      {
        name: "routing ÷ ceiling",
        value: (routing / rate) * 100,
        unit: "%",
        note: "a slower commit script would make this look better",
      },
      { name: "Redis per signal in the commits alone", value: cost.commandsUs / count, unit: "µs" },
      {
        name: "Redis per signal in the commits alone, whole thread",
        value: cost.mainThreadUs / count,
        unit: "µs",
      },
    ];
  },
};
