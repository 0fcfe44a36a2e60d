import type { Redis } from "ioredis";
import type { Keys } from "../../shared/keys.ts";
import type { RouterProcess } from "../servers/router-process.ts";
import type { Bench } from "./measure.ts";
import { memoryOf } from "./process-memory.ts";
import { startCosting, type RedisCost } from "./redis-cost.ts";
import { onStage, type Stage, type StageOptions } from "./stage.ts";
import { timeGroup, type WorkTime } from "./time-group.ts";
import { addSignals, tasksOf, WORKLOAD } from "./workload.ts";

export interface BacklogOptions extends StageOptions {
  /** Signals that wait when the routers start. */
  readonly count: number;
  /** Router processes; default 1. */
  readonly routers?: number;
  /** What the routers are started with besides, see {@link ROUTER_ENV}. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called when the signals wait; gives more of what the routers are started with. */
  readonly beforehand?: (stage: Stage) => Promise<Readonly<Record<string, string>>>;
  /** Called when all is decided, before the server and the routers end. */
  readonly inspect?: (state: { redis: Redis; keys: Keys }) => Promise<void>;
}

/** Its time is from the first read to the last commit. */
export interface Backlog extends WorkTime {
  readonly signals: number;
  readonly tasks: number;
  readonly redis: RedisCost;
  /** The most memory a router had, in MB; undefined where the system does not tell. */
  readonly routerMbMax: number | undefined;
}

/** Signals per second. */
export function rateOf({ signals, seconds }: Pick<Backlog, "signals" | "seconds">): number {
  return signals / seconds;
}

/** Lets routers decide a backlog and counts what came out of it. @throws Error when that is not what had to come out */
export async function routeBacklog(bench: Bench, options: BacklogOptions): Promise<Backlog> {
  const { count, shape = WORKLOAD, routers = 1, env = {}, beforehand, inspect } = options;
  const work = async (stage: Stage): Promise<Backlog> => {
    const { redis, keys } = stage;
    await addSignals(redis, keys, { count, shape });
    const more = (await beforehand?.(stage)) ?? {};
    const cost = await startCosting(redis);
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
      throw new Error(`${count} signals became ${tasks} of ${expected} tasks, and ${records} records`);
    }
    const routerMbMax = await mostOf(running);
    await inspect?.({ redis, keys });
    return { ...time, signals: count, tasks, redis: spent, routerMbMax };
  };
  return onStage(bench, work, options);
}

/** The most memory one of them has had, in MB. */
async function mostOf(routers: readonly RouterProcess[]): Promise<number | undefined> {
  const memory = await Promise.all(routers.map(async ({ pid }) => memoryOf(pid)));
  const peaks = memory.flatMap((one) => (one === undefined ? [] : [one.peakMb]));
  return peaks.length < memory.length ? undefined : Math.max(...peaks);
}
