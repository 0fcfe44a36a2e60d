import { loopOverBacklog } from "../loop-over-backlog.ts";
import type { Bench, Figure, Goal, Measure } from "../measure.ts";
import { grouped, percentile } from "../percentiles.ts";
import { recordCommits, replayCommits, type Recording } from "../replay/recorded-commits.ts";
import { routeBacklog, type BacklogOptions } from "../route-backlog.ts";
import { watchWaiting, type Waiting } from "../watch-waiting.ts";
import { WORKLOAD, type WorkloadShape } from "../workload.ts";

/** The longest wait that a commit may cause, in ms. */
const WAITS: Goal = { most: 10 };
/** One phrase with so many strategies that a commit call carries as many appends as allowed. */
const CROWDED: WorkloadShape = {
  ...WORKLOAD,
  signals: 1,
  strategies: 500,
  strategiesPerSignal: 500,
};

/** Signals per read of a plain loop with these: it appends all tasks of a batch in one round trip. */
const CROWDED_BATCH = 16;

/** How long other clients wait for Redis during a backlog: with a router, with a plain loop, with commits alone. */
export const pinging: Measure = {
  id: "pinging",
  title: "Waiting times of other clients",
  async run(bench) {
    const withAof = { count: bench.scaled(100_000) };
    const withoutAof = { ...withAof, aof: "off" } as const;
    const crowd = { count: bench.scaled(2_000), shape: CROWDED };
    const backlogs = [
      ...(await besideRouter(bench, withoutAof, "during a backlog, without AOF")),
      ...(await besideLoop(bench, withoutAof, "beside a plain loop, without AOF")),
      ...(await besideRouter(bench, withAof, "during a backlog, AOF everysec")),
      ...(await besideLoop(bench, withAof, "beside a plain loop, AOF everysec")),
      ...(await besideRouter(bench, crowd, "500 strategies on one phrase")),
      ...(await besideLoop(bench, crowd, "500 strategies on one phrase, beside a plain loop", CROWDED_BATCH)),
    ];
    bench.say(`${withAof.count} signals through one router and a relay that records its commits`);
    const recording = await recordCommits(bench, withAof.count);
    return [
      ...(await besideCommits(bench, recording, "off", "beside the commits alone, without AOF")),
      ...(await besideCommits(bench, recording, "everysec", "beside the commits alone, AOF everysec")),
      ...backlogs,
    ];
  },
};

type Work = Pick<BacklogOptions, "count" | "shape" | "aof">;

const SHARED_CORES =
  "router, Redis and the pinging client share the cores, so this includes waiting for a core";

async function besideRouter(bench: Bench, work: Work, when: string): Promise<Figure[]> {
  bench.say(`a pinging client beside ${work.count} signals, ${when}`);
  const waiting = await watchWaiting(async (watch) =>
    routeBacklog(bench, {
      ...work,
      async beforehand({ redis, redisPort }) {
        await watch.start(redis, redisPort);
        return {};
      },
      inspect: async () => watch.stop(),
    }),
  );
  return [longestCall(waiting, when), ...waits(waiting, when, { how: SHARED_CORES, goal: WAITS })];
}

/** The wait without commits: it comes from the machine, its disk and the number of appends. */
async function besideLoop(bench: Bench, work: Work, when: string, batchCountMax?: number): Promise<Figure[]> {
  bench.say(`a pinging client beside ${work.count} signals, ${when}`);
  const waiting = await watchWaiting(async (watch) =>
    loopOverBacklog(bench, {
      ...work,
      ...(batchCountMax === undefined ? {} : { batchCountMax }),
      beforehand: async ({ redis, redisPort }) => watch.start(redis, redisPort),
      inspect: async () => watch.stop(),
    }),
  );
  const how = "loop, Redis and the pinging client share the cores; no scripts, no records";
  return waits(waiting, when, { how });
}

/** As many calls as a router has in flight with three batches. */
const IN_FLIGHT_MAX = 9;

/** The wait that the commits alone cause. */
async function besideCommits(
  bench: Bench,
  recording: Recording,
  aof: "everysec" | "off",
  when: string,
): Promise<Figure[]> {
  bench.say(`a pinging client ${when}`);
  const waiting = await watchWaiting(async (watch) => {
    let during = { startedAt: 0, endedAt: 0 };
    await replayCommits(bench, recording, {
      inFlightMax: IN_FLIGHT_MAX,
      aof,
      async around({ redis, port }, send) {
        await watch.start(redis, port);
        during = await send();
        await watch.stop();
      },
    });
    return during;
  });
  return [
    longestCall(waiting, when),
    ...waits(waiting, when, { how: `recorded calls, ${IN_FLIGHT_MAX} in flight`, goal: WAITS }),
  ];
}

/** @throws Error when no call was recorded */
function longestCall({ scripts }: Waiting, when: string): Figure {
  if (scripts === undefined) throw new Error(`no script call was long enough to be recorded, ${when}`);
  return {
    name: `longest call of the commit, ${when}`,
    value: scripts.longestMs,
    unit: "ms",
    goal: WAITS,
    note: `by Redis' own clock (SLOWLOG), which goes on while the system runs something else; median ${scripts.medianMs.toFixed(1)} ms`,
  };
}

function waits(
  { waitsMs, coreWait }: Waiting,
  when: string,
  { how, goal }: { how: string; goal?: Goal },
): Figure[] {
  const figures: Figure[] = [
    {
      name: `PING, longest wait, ${when}`,
      value: percentile(waitsMs, 1),
      unit: "ms",
      ...(goal === undefined ? {} : { goal }),
    },
    {
      name: `PING, p99.9, ${when}`,
      value: percentile(waitsMs, 0.999),
      unit: "ms",
      note: `${grouped(waitsMs.length)} pings, one per millisecond from the first read or call to the last commit, whether or not the one before is answered; ${how}`,
    },
  ];
  if (coreWait === undefined) return figures;
  const note =
    "share of the time in which its main thread was ready to run while the system ran something else (schedstat)";
  return [...figures, { name: `Redis waiting for a core, ${when}`, value: coreWait * 100, unit: "%", note }];
}
