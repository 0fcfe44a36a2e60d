import { startClient, type ClientProcess } from "../client-process.ts";
import type { Bench, Figure, Measure } from "../measure.ts";
import type { PingingAnswer } from "../pinging-client.ts";
import { routeBacklog } from "../route-backlog.ts";
import { startTimingScripts, type ScriptTimes } from "../script-times.ts";
import { WORKLOAD, type WorkloadShape } from "../workload.ts";

/** One phrase with so many strategies that a call of the commit carries as many appends as it may. */
const CROWDED: WorkloadShape = {
  ...WORKLOAD,
  signals: 1,
  strategies: 500,
  strategiesPerSignal: 500,
};

/** How long others wait for Redis while a router works off a backlog. */
export const pinging: Measure = {
  id: "pinging",
  title: "Others meanwhile",
  async run(bench) {
    const figures = [...(await figuresOf(bench, bench.scaled(100_000), WORKLOAD, "during a backlog"))];
    const crowded = await figuresOf(bench, bench.scaled(2_000), CROWDED, "500 strategies on one phrase");
    return [...figures, ...crowded];
  },
};

async function figuresOf(bench: Bench, count: number, shape: WorkloadShape, when: string): Promise<Figure[]> {
  bench.say(`a pinging client beside ${count} signals, ${when}`);
  let client: ClientProcess<PingingAnswer> | undefined;
  let times: (() => Promise<ScriptTimes>) | undefined;
  let answer: PingingAnswer | undefined;
  let scripts: ScriptTimes | undefined;
  try {
    await routeBacklog(bench, {
      count,
      shape,
      async beforehand({ redis, redisPort: port }) {
        times = await startTimingScripts(redis);
        client = startClient<PingingAnswer>("pinging-client.ts", { port });
        return {};
      },
      async inspect() {
        client?.end();
        answer = await client?.answer();
        scripts = await times?.();
      },
    });
  } finally {
    client?.kill();
  }
  if (answer === undefined || scripts === undefined) throw new Error("nothing was measured");
  return [
    {
      name: `longest call of the commit, ${when}`,
      value: scripts.longestMs,
      unit: "ms",
      goal: { most: 10 },
      note: `Redis' own clock (SLOWLOG), which runs on while the system runs something else; the median is ${scripts.medianMs.toFixed(1)} ms`,
    },
    { name: `PING, longest wait, ${when}`, value: answer.longest, unit: "ms", goal: { most: 10 } },
    {
      name: `PING, p99.9, ${when}`,
      value: answer.p999,
      unit: "ms",
      note: `${answer.pings.toLocaleString("en")} pings; router, Redis and the pinging client share the machine's cores, so waiting for a core is in it`,
    },
  ];
}
