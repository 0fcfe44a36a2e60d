import { startClient, type ClientProcess } from "../clients/client-process.ts";
import type { Bench, Figure, Measure } from "../measure.ts";
import type { PingingAnswer } from "../clients/pinging-client.ts";
import { percentile } from "../percentiles.ts";
import { recordCommits, replayCommits } from "../replay/recorded-commits.ts";
import { routeBacklog, type Backlog } from "../route-backlog.ts";
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
    const alone = await figuresAlone(bench, bench.scaled(100_000));
    return [...alone, ...figures, ...crowded];
  },
};

/** As many calls as a router has under way with three batches. */
const IN_FLIGHT_MAX = 6;

/** What the commits themselves make others wait, since nothing else is to be done: Redis has a core to itself. */
async function figuresAlone(bench: Bench, count: number): Promise<Figure[]> {
  bench.say(`${count} signals through one router and a relay that keeps its commits`);
  const recording = await recordCommits(bench, count);
  bench.say(`a pinging client beside ${recording.calls.length} commit calls, sent again`);
  let measured: { waitsMs: readonly number[]; scripts: ScriptTimes } | undefined;
  await replayCommits(bench, recording, {
    inFlightMax: IN_FLIGHT_MAX,
    async around({ redis, port }, send) {
      const times = await startTimingScripts(redis);
      const client = startClient<PingingAnswer>("pinging-client.ts", { port });
      try {
        await client.untilItIsReady();
        const sent = await send();
        client.end();
        measured = {
          waitsMs: waitsDuring(await client.answer(), sent),
          scripts: await times(),
        };
      } finally {
        client.kill();
      }
    },
  });
  if (measured === undefined) throw new Error("nothing was measured");
  return figuresFrom(measured, "beside the commits alone", `; recorded calls, ${IN_FLIGHT_MAX} in flight`);
}

async function figuresOf(bench: Bench, count: number, shape: WorkloadShape, when: string): Promise<Figure[]> {
  bench.say(`a pinging client beside ${count} signals, ${when}`);
  let client: ClientProcess<PingingAnswer> | undefined;
  let times: (() => Promise<ScriptTimes>) | undefined;
  let answer: PingingAnswer | undefined;
  let scripts: ScriptTimes | undefined;
  let backlog: Backlog;
  try {
    backlog = await routeBacklog(bench, {
      count,
      shape,
      async beforehand({ redis, redisPort: port }) {
        times = await startTimingScripts(redis);
        client = startClient<PingingAnswer>("pinging-client.ts", { port });
        await client.untilItIsReady();
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
  const contended =
    "; router, Redis and the pinging client share the machine's cores, so waiting for a core is in it";
  return figuresFrom({ waitsMs: waitsDuring(answer, backlog), scripts }, when, contended);
}

function figuresFrom(
  { waitsMs, scripts }: { waitsMs: readonly number[]; scripts: ScriptTimes },
  when: string,
  how: string,
): Figure[] {
  return [
    {
      name: `longest call of the commit, ${when}`,
      value: scripts.longestMs,
      unit: "ms",
      goal: { most: 10 },
      note: `Redis' own clock (SLOWLOG), which runs on while the system runs something else; the median is ${scripts.medianMs.toFixed(1)} ms`,
    },
    { name: `PING, longest wait, ${when}`, value: percentile(waitsMs, 1), unit: "ms", goal: { most: 10 } },
    {
      name: `PING, p99.9, ${when}`,
      value: percentile(waitsMs, 0.999),
      unit: "ms",
      note: `${waitsMs.length.toLocaleString("en")} pings, one every millisecond from the first read or call to the last commit, whether or not the one before is answered${how}`,
    },
  ];
}

/** Waits of the pings that were sent while the router was at work, in ms. @throws Error when there were too few of them */
function waitsDuring(
  { pings }: PingingAnswer,
  { startedAt, endedAt }: Pick<Backlog, "startedAt" | "endedAt">,
): number[] {
  const from = performance.timeOrigin + startedAt;
  const until = performance.timeOrigin + endedAt;
  const waitsMs = pings.filter(([sentAt]) => sentAt >= from && sentAt <= until).map(([, waitMs]) => waitMs);
  // What a late client has missed it sends at once: all but those around the edges are there.
  const least = (endedAt - startedAt) / 2;
  if (waitsMs.length < least) {
    throw new Error(
      `${waitsMs.length} pings were sent in ${Math.round(endedAt - startedAt)} ms, and ${least} at least were due`,
    );
  }
  return waitsMs;
}
