import type { Redis } from "ioredis";
import type { Keys } from "../../shared/keys.ts";
import { startClient } from "./clients/client-process.ts";
import { defaultConfig } from "./clients/decision-context.ts";
import type { PlainLoopAnswer, PlainLoopTask } from "./clients/plain-loop-worker.ts";
import type { Bench } from "./measure.ts";
import { startRedisCost, type RedisCost } from "./redis-cost.ts";
import { onStage, type Stage, type StageOptions } from "./stage.ts";
import type { WorkTime } from "./time-group.ts";
import { addSignals, tasksOf, WORKLOAD } from "./workload.ts";

/** Signals per second; a slower run counts as stuck. */
const RATE_MIN = 100;
const SPARE_SECONDS = 30;

/**
 * Lets a plain loop process a backlog: the same decisions without the guarantees of the commit. It adds tasks only; the
 * record, which the router stores too, would cost it an XADD of a kilobyte per signal. @throws Error on a wrong result
 */
export async function loopOverBacklog(bench: Bench, options: LoopOptions): Promise<LoopRun> {
  const { count, shape = WORKLOAD, batchCountMax = defaultConfig().batchCountMax } = options;
  const work = async (stage: Stage): Promise<LoopRun> => {
    const { redis, redisUrl, keys } = stage;
    await addSignals(redis, keys, { count, shape });
    await options.beforehand?.(stage);
    const cost = await startRedisCost(redis);
    const { startedAt, endedAt } = await runLoop({ url: redisUrl, count, batchCountMax });
    const spent = await cost();
    await options.inspect?.();
    await assertDone(redis, keys, { count, expected: tasksOf(count, shape) });
    return {
      startedAt: startedAt - performance.timeOrigin,
      endedAt: endedAt - performance.timeOrigin,
      seconds: (endedAt - startedAt) / 1000,
      redis: spent,
    };
  };
  return onStage(bench, work, options);
}

export interface LoopOptions extends StageOptions {
  /** Signals that are waiting when the loop starts. */
  readonly count: number;
  /** Signals per read; default as many as a router reads. */
  readonly batchCountMax?: number;
  /** Called when the signals have been added. */
  readonly beforehand?: (stage: Stage) => Promise<void>;
  /** Called when all is done, before the server stops. */
  readonly inspect?: () => Promise<void>;
}

/** The time from the first read to the last acknowledgement, and what it cost Redis. */
export interface LoopRun extends WorkTime {
  readonly redis: RedisCost;
}

async function runLoop(task: PlainLoopTask): Promise<PlainLoopAnswer> {
  const loop = startClient<PlainLoopAnswer>("plain-loop-worker.ts", task);
  try {
    return await loop.answer(SPARE_SECONDS + task.count / RATE_MIN);
  } finally {
    loop.kill();
  }
}

async function assertDone(
  redis: Redis,
  keys: Keys,
  { count, expected }: { count: number; expected: number },
): Promise<void> {
  const tasks = await redis.xlen(keys.stream("strategy_input_stream"));
  const [pending] = (await redis.xpending(keys.stream("signals_stream"), "signal_processor")) as [number];
  if (tasks !== expected || pending > 0) {
    throw new Error(
      `${count} signals gave ${tasks} of ${expected} tasks, and ${pending} signals are not acknowledged`,
    );
  }
}
