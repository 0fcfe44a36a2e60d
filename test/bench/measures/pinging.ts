import type { Redis } from "ioredis";
import { startClient } from "../clients/client-process.ts";
import type { PingingAnswer } from "../clients/pinging-client.ts";
import { startWatchingCores, type CoreWait } from "../core-wait.ts";
import type { Bench, Figure, Measure } from "../measure.ts";
import { percentile } from "../percentiles.ts";
import { recordCommits, replayCommits, type Recording } from "../replay/recorded-commits.ts";
import { routeBacklog, type Backlog, type BacklogOptions } from "../route-backlog.ts";
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
    const count = bench.scaled(100_000);
    const backlogs = [
      ...(await figuresBeside(bench, { count, aof: "off" }, "during a backlog, without AOF")),
      ...(await figuresBeside(bench, { count }, "during a backlog, AOF everysec")),
    ];
    const crowd = { count: bench.scaled(2_000), shape: CROWDED };
    const crowded = await figuresBeside(bench, crowd, "500 strategies on one phrase");
    bench.say(`${count} signals through one router and a relay that keeps its commits`);
    const recording = await recordCommits(bench, count);
    return [
      ...(await figuresAlone(bench, recording, "off", "beside the commits alone, without AOF")),
      ...(await figuresAlone(bench, recording, "everysec", "beside the commits alone, AOF everysec")),
      ...backlogs,
      ...crowded,
    ];
  },
};

/** As many calls as a router has under way with three batches. */
const IN_FLIGHT_MAX = 9;

/** What the commits themselves make others wait, since nothing else is to be done. */
async function figuresAlone(
  bench: Bench,
  recording: Recording,
  aof: "everysec" | "off",
  when: string,
): Promise<Figure[]> {
  bench.say(`a pinging client ${when}`);
  let figures: Figure[] = [];
  await replayCommits(bench, recording, {
    inFlightMax: IN_FLIGHT_MAX,
    aof,
    async around({ redis, port }, send) {
      const watch = await startWatch(redis, port);
      try {
        const during = await send();
        const how = `recorded calls, ${IN_FLIGHT_MAX} in flight`;
        figures = figuresFrom(await watch.stop(), during, { when, how });
      } finally {
        watch.kill();
      }
    },
  });
  return figures;
}

async function figuresBeside(
  bench: Bench,
  options: Pick<BacklogOptions, "count" | "shape" | "aof">,
  when: string,
): Promise<Figure[]> {
  bench.say(`a pinging client beside ${options.count} signals, ${when}`);
  let watch: Watch | undefined;
  let seen: Seen | undefined;
  try {
    const during = await routeBacklog(bench, {
      ...options,
      async beforehand({ redis, redisPort }) {
        watch = await startWatch(redis, redisPort);
        return {};
      },
      async inspect() {
        seen = await watch?.stop();
      },
    });
    if (seen === undefined) throw new Error("nothing was measured");
    const how =
      "router, Redis and the pinging client share the machine's cores, so waiting for a core is in it";
    return figuresFrom(seen, during, { when, how });
  } finally {
    watch?.kill();
  }
}

/** What was seen of a Redis at work. */
interface Seen {
  readonly pings: PingingAnswer["pings"];
  readonly scripts: ScriptTimes;
  readonly coreWait: CoreWait;
}

interface Watch {
  /** To be called while Redis is there. */
  stop(): Promise<Seen>;
  kill(): void;
}

async function startWatch(redis: Redis, port: number): Promise<Watch> {
  const scripts = await startTimingScripts(redis);
  const watched = await startWatchingCores(redis);
  const client = startClient<PingingAnswer>("pinging-client.ts", { port });
  await client.untilItIsReady();
  return {
    async stop() {
      client.end();
      const { pings } = await client.answer();
      return { pings, scripts: await scripts(), coreWait: await watched() };
    },
    kill() {
      client.kill();
      void watched();
    },
  };
}

type During = Pick<Backlog, "startedAt" | "endedAt">;

function figuresFrom(
  { pings, scripts, coreWait }: Seen,
  during: During,
  { when, how }: { when: string; how: string },
): Figure[] {
  const waitsMs = waitsDuring(pings, during);
  const figures: Figure[] = [
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
      note: `${waitsMs.length.toLocaleString("en")} pings, one every millisecond from the first read or call to the last commit, whether or not the one before is answered; ${how}`,
    },
  ];
  const waited = coreWait(during.startedAt, during.endedAt);
  if (waited === undefined) return figures;
  const note = "time in which its main thread was ready to run and the system ran something else (schedstat)";
  return [...figures, { name: `Redis waiting for a core, ${when}`, value: waited * 100, unit: "%", note }];
}

/** Waits of the pings that were sent while the router was at work, in ms. @throws Error when there were too few of them */
function waitsDuring(pings: Seen["pings"], { startedAt, endedAt }: During): number[] {
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
