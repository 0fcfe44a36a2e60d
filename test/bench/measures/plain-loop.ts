import { Redis } from "ioredis";
import { keysOf, type Keys } from "../../../shared/keys.ts";
import { besideRouting } from "../beside-routing.ts";
import { startClient } from "../clients/client-process.ts";
import { defaultConfig } from "../clients/decision-context.ts";
import type { Bench, Measure } from "../measure.ts";
import type { PlainLoopAnswer, PlainLoopTask } from "../clients/plain-loop-worker.ts";
import { startCosting, type RedisCost } from "../redis-cost.ts";
import { addSignals, publishReference, tasksOf, WORKLOAD } from "../workload.ts";

/** Signals per second; what takes longer does not come to an end. */
const RATE_MIN = 500;
const SPARE_SECONDS = 30;

/**
 * The same decisions without what the commit promises: the price of our guarantees. The loop hands on tasks only: to make it
 * store the record as well, as the router does, would cost it an XADD of a kilobyte for each signal.
 */
export const plainLoop: Measure = {
  id: "plain-loop",
  title: "A plain loop",
  async run(bench) {
    const count = bench.scaled(100_000);
    const { routing, other } = await besideRouting(bench, count, async () => {
      bench.say(`${count} signals through a plain loop`);
      return loopOver(bench, count);
    });
    const { seconds, cost } = other;
    const rate = count / seconds;
    return [
      {
        name: "a plain loop",
        value: rate,
        unit: "signals/s",
        note:
          "an XADD per task and an XACK per batch, pipelined: no atomicity, no de-duplication, no counters; " +
          "the record that comes with a decision is thrown away, and making it is 4 % of the loop's time (a CPU profile of 50,000 signals)",
      },
      { name: "routing ÷ plain loop", value: routing / rate, unit: "×" },
      { name: "Redis per signal, whole thread, plain loop", value: cost.mainThreadUs / count, unit: "µs" },
    ];
  },
};

async function loopOver(bench: Bench, count: number): Promise<{ seconds: number; cost: RedisCost }> {
  const server = await bench.startRedis();
  const redis = new Redis(server.url);
  const keys = keysOf("");
  try {
    await publishReference(redis, keys, WORKLOAD);
    await addSignals(redis, keys, { count, shape: WORKLOAD });
    const cost = await startCosting(redis);
    const { seconds } = await runLoop({
      url: server.url,
      count,
      batchCountMax: defaultConfig().batchCountMax,
    });
    const spent = await cost();
    await assertDone(redis, keys, count);
    return { seconds, cost: spent };
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

async function runLoop(task: PlainLoopTask): Promise<PlainLoopAnswer> {
  const loop = startClient<PlainLoopAnswer>("plain-loop-worker.ts", task);
  try {
    return await loop.answer(SPARE_SECONDS + task.count / RATE_MIN);
  } finally {
    loop.kill();
  }
}

/** @throws Error when that is not what had to come out */
async function assertDone(redis: Redis, keys: Keys, count: number): Promise<void> {
  const tasks = await redis.xlen(keys.stream("strategy_input_stream"));
  const [pending] = (await redis.xpending(keys.stream("signals_stream"), "signal_processor")) as [number];
  const expected = tasksOf(count, WORKLOAD);
  if (tasks !== expected || pending > 0) {
    throw new Error(
      `${count} signals became ${tasks} of ${expected} tasks, and ${pending} are not acknowledged`,
    );
  }
}
