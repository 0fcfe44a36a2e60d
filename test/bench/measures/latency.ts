import { startClient } from "../clients/client-process.ts";
import type { LatencyAnswer, LatencyTask } from "../clients/latency-client.ts";
import type { Figure, Measure } from "../measure.ts";
import { percentile } from "../percentiles.ts";
import { onStageWithRouter } from "../stage.ts";
import { tasksOf, WORKLOAD } from "../workload.ts";

/** Time from just before a signal is sent until a waiting reader has its first task, in a system that is not busy. */
export const latency: Measure = {
  id: "latency",
  title: "Latency",
  async run(bench) {
    const offered = (seconds: number): Omit<LatencyTask, "url" | "way"> => {
      const warmUp = PER_SECOND * WARM_UP_SECONDS;
      return { perSecond: PER_SECOND, warmUp, count: warmUp + bench.scaled(seconds * PER_SECOND) };
    };
    return onStageWithRouter(bench, async ({ redisUrl: url }) => {
      const bare = { ...offered(BARE_SECONDS), url, way: "bare" } as const;
      bench.say(`${bare.count} entries at ${PER_SECOND}/s, without a router`);
      const bareMs = await timesOf(bare, bare.count);
      const routed = { ...offered(ROUTED_SECONDS), url, way: "routed" } as const;
      bench.say(`${routed.count} signals at ${PER_SECOND}/s through one router`);
      const tookMs = await timesOf(routed, tasksOf(routed.count, WORKLOAD));
      return [...routedFigures(tookMs), ...bareFigures(bareMs)];
    });
  },
};

const PER_SECOND = 500;
const WARM_UP_SECONDS = 2;
const ROUTED_SECONDS = 20;
const BARE_SECONDS = 5;
/** For the client's start and for late entries. */
const SPARE_SECONDS = 30;

/** How long each took, in ms. @throws Error unless the expected number of entries has arrived */
async function timesOf(task: LatencyTask, expected: number): Promise<readonly number[]> {
  const client = startClient<LatencyAnswer>("latency-client.ts", task);
  try {
    const secondsMax = task.count / task.perSecond + SPARE_SECONDS;
    const { tookMs, idsSeen } = await client.answer(secondsMax);
    if (idsSeen !== expected) throw new Error(`${task.way}: ${idsSeen} of ${expected} entries arrived`);
    return tookMs;
  } finally {
    client.kill();
  }
}

function routedFigures(tookMs: readonly number[]): Figure[] {
  const name = `signal sent → first task read, at ${PER_SECOND}/s`;
  return [
    {
      name: `${name}, p50`,
      value: percentile(tookMs, 0.5),
      unit: "ms",
      goal: { most: 1 },
      note: `${tookMs.length} dispatched signals after a warm-up of ${WARM_UP_SECONDS} s; includes the client's two ioredis connections`,
    },
    { name: `${name}, p99`, value: percentile(tookMs, 0.99), unit: "ms", goal: { most: 5 } },
    {
      name: `${name}, longest`,
      value: percentile(tookMs, 1),
      unit: "ms",
      note: "router, Redis and client share the cores, so the longest time depends on the scheduler as well",
    },
  ];
}

function bareFigures(tookMs: readonly number[]): Figure[] {
  const name = "the same client without a router, XADD → XREADGROUP";
  return [
    { name: `${name}, p50`, value: percentile(tookMs, 0.5), unit: "ms" },
    { name: `${name}, p99`, value: percentile(tookMs, 0.99), unit: "ms" },
    { name: `${name}, longest`, value: percentile(tookMs, 1), unit: "ms" },
  ];
}
