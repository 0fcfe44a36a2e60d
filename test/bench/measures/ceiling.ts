import { besideRouting } from "../beside-routing.ts";
import type { Measure } from "../measure.ts";
import { recordCommits, replayCommits } from "../replay/recorded-commits.ts";

/** The commit calls of a backlog again, from a client that decides nothing: the time that Redis alone needs. */
export const ceiling: Measure = {
  id: "ceiling",
  title: "The ceiling",
  async run(bench) {
    const count = bench.scaled(100_000);
    bench.say(`${count} signals through one router and a relay that records its commits`);
    const recording = await recordCommits(bench, count);
    const { routing, other } = await besideRouting(bench, count, async () => {
      bench.say(`${recording.calls.length} recorded commit calls`);
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
          `${recording.calls.length} recorded calls, ${IN_FLIGHT_MAX} in flight; without reading the signals; ` +
          "all signals are pending at once, with a router a few batches: the list to acknowledge from is larger",
      },
      {
        name: "routing ÷ ceiling",
        value: (routing / rate) * 100,
        unit: "%",
        note: "a slower commit script would raise this share",
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

const IN_FLIGHT_MAX = 32;
