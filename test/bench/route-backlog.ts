import type { Redis } from "ioredis";
import type { Keys } from "../../shared/keys.ts";
import type { RouterProcess } from "../servers/router-process.ts";
import type { Bench } from "./measure.ts";
import { memoryOf } from "./process-memory.ts";
import { startRedisCost, type RedisCost } from "./redis-cost.ts";
import { onStage, type Stage, type StageOptions } from "./stage.ts";
import { timeGroup, type WorkTime } from "./time-group.ts";
import { addSignals, tasksOf, WORKLOAD } from "./workload.ts";

/** Lets routers decide a backlog and counts the results. @throws Error when a result is missing or superfluous */
export async function routeBacklog(bench: Bench, options: BacklogOptions): Promise<Backlog> {
  const { count, shape = WORKLOAD, routers = 1, env = {}, beforehand, inspect } = options;
  const work = async (stage: Stage): Promise<Backlog> => {
    const { redis, keys } = stage;
    await addSignals(redis, keys, { count, shape });
    const more = (await beforehand?.(stage)) ?? {};
    const cost = await startRedisCost(redis);
    const running = Array.from({ length: routers }, () => stage.startRouter({ ...env, ...more }));
    const time = await timeGroup({
      first: { redis, key: keys.stream("signals_stream"), group: "signal_processor" },
      count,
      routers: running,
    });
    const spent = await cost();
    const tasks = await redis.xlen(keys.stream("strategy_input_stream"));
    const records = await redis.xlen(keys.stream("signal_results"));
    const expected = tasksOf(count, shape);
    if (tasks !== expected || records !== count) {
      throw new Error(`${count} signals gave ${tasks} of ${expected} tasks and ${records} records`);
    }
    const routerMbMax = await peakOf(running);
    await inspect?.({ redis, keys });
    return { ...time, signals: count, tasks, redis: spent, routerMbMax };
  };
  return onStage(bench, work, options);
}

export interface BacklogOptions extends StageOptions {
  /** Signals that are waiting when the routers start. */
  readonly count: number;
  /** Router processes; default 1. */
  readonly routers?: number;
  /** Variables of the routers in addition to {@link ROUTER_ENV}. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called when the signals have been added; gives more variables for the routers. */
  readonly beforehand?: (stage: Stage) => Promise<Readonly<Record<string, string>>>;
  /** Called when all is decided, before the server and the routers stop. */
  readonly inspect?: (state: { redis: Redis; keys: Keys }) => Promise<void>;
}

/** The time from the first read to the last commit, and the results. */
export interface Backlog extends WorkTime {
  readonly signals: number;
  readonly tasks: number;
  readonly redis: RedisCost;
  /** Peak memory of the router that used most, in MB; undefined where the system does not report it. */
  readonly routerMbMax: number | undefined;
}

/** Signals per second. */
export function rateOf({ signals, seconds }: Pick<Backlog, "signals" | "seconds">): number {
  return signals / seconds;
}

/** Peak memory of the router that used most, in MB. */
async function peakOf(routers: readonly RouterProcess[]): Promise<number | undefined> {
  const memory = await Promise.all(routers.map(async ({ pid }) => memoryOf(pid)));
  const peaks = memory.flatMap((one) => (one === undefined ? [] : [one.peakMb]));
  return peaks.length < memory.length ? undefined : Math.max(...peaks);
}
