import type { Redis } from "ioredis";
import { createGroup } from "../../shared/io/streams/groups.ts";
import type { Keys } from "../../shared/keys.ts";
import { outcomeRecordSchema } from "../../shared/records.ts";
import type { Bench } from "./measure.ts";
import { startRedisCost, type RedisCost } from "./redis-cost.ts";
import { onStage, type Stage } from "./stage.ts";
import { timeGroup } from "./time-group.ts";
import { addSignals, tasksOf, WORKLOAD } from "./workload.ts";

/** Lets one router dispatch the tasks of `count` signals, and another run them. @throws Error unless each ran once */
export async function executeBacklog(bench: Bench, count: number): Promise<TaskBacklog> {
  return onStage(bench, async (stage) => {
    const { redis, keys } = stage;
    const tasks = tasksOf(count, WORKLOAD);
    // A router that starts on a stream with tasks would create the group behind them.
    await createGroup(redis, keys, {
      stream: "strategy_input_stream",
      group: "strategy_executor",
      from: "0",
    });
    await dispatchTasks(stage, count);
    const cost = await startRedisCost(redis);
    const { seconds } = await timeGroup({
      first: { redis, key: keys.stream("strategy_input_stream"), group: "strategy_executor" },
      count: tasks,
      routers: [stage.startRouter({ FUNCTIONS: "execute-strategies,reclaim" })],
    });
    const spent = await cost();
    await checkOutcomes(redis, keys, tasks);
    return { tasks, seconds, redis: spent };
  });
}

const READ_PER_ROUND_TRIP = 1_000;

export interface TaskBacklog {
  readonly tasks: number;
  /** First read to last acknowledgement. */
  readonly seconds: number;
  /** What running them cost. */
  readonly redis: RedisCost;
}

/** Lets a router decide `count` signals, and stops it. */
async function dispatchTasks({ redis, keys, startRouter }: Stage, count: number): Promise<void> {
  await addSignals(redis, keys, { count, shape: WORKLOAD });
  const router = startRouter();
  await timeGroup({
    first: { redis, key: keys.stream("signals_stream"), group: "signal_processor" },
    count,
    routers: [router],
  });
  router.signal("SIGTERM");
  await router.ended();
  const tasks = await redis.xlen(keys.stream("strategy_input_stream"));
  const expected = tasksOf(count, WORKLOAD);
  if (tasks !== expected) throw new Error(`${count} signals gave ${tasks} tasks, not ${expected}`);
}

/** @throws Error unless every task has exactly one outcome, with the status `executed` */
async function checkOutcomes(redis: Redis, keys: Keys, tasks: number): Promise<void> {
  const outcomes = new Set<string>();
  let records = 0;
  for (let from = "-"; ;) {
    const page = await redis.xrange(keys.stream("signal_results"), from, "+", "COUNT", READ_PER_ROUND_TRIP);
    for (const [, flat] of page) {
      const field = (name: string): string => flat[flat.indexOf(name) + 1] ?? "";
      if (field("kind") !== "outcome") continue;
      const { strategy_id, status, reason } = outcomeRecordSchema.parse(JSON.parse(field("data")));
      const task = `strategy ${strategy_id} on ${field("entry_id")}`;
      if (status !== "executed") throw new Error(`${task} ended as ${status}: ${reason ?? "no reason"}`);
      outcomes.add(task);
      records += 1;
    }
    const last = page.at(-1)?.[0];
    if (last === undefined) break;
    from = `(${last}`;
  }
  if (outcomes.size !== tasks || records !== tasks) {
    throw new Error(`${tasks} tasks have ${records} outcomes, ${outcomes.size} of them different`);
  }
}
