import type { Redis } from "ioredis";
import { createGroup } from "../../shared/io/groups.ts";
import type { Keys } from "../../shared/keys.ts";
import { outcomeRecordSchema } from "../../shared/records.ts";
import { untilItRuns } from "../servers/router-process.ts";
import { untilItHasDone, untilItReads } from "./group-watch.ts";
import type { Bench } from "./measure.ts";
import { startCosting, type RedisCost } from "./redis-cost.ts";
import { onStage } from "./stage.ts";
import { addSignals, tasksOf, WORKLOAD } from "./workload.ts";

export interface TaskBacklog {
  readonly tasks: number;
  /** First read to last acknowledgement. */
  readonly seconds: number;
  /** What running them took. */
  readonly redis: RedisCost;
}

const READ_PER_ROUND_TRIP = 1_000;

/** Lets one router hand on the tasks of so many signals, and another run them. @throws Error unless each was executed once */
export async function executeBacklog(bench: Bench, count: number): Promise<TaskBacklog> {
  return onStage(bench, async (stage) => {
    const { redis, keys } = stage;
    const tasks = tasksOf(count, WORKLOAD);
    // Made by a router that starts over a stream with tasks in it, the group would begin behind them.
    await createGroup(redis, keys, {
      stream: "strategy_input_stream",
      group: "strategy_executor",
      from: "0",
    });
    await addSignals(redis, keys, { count, shape: WORKLOAD });
    const routing = await untilItRuns(stage.startRouter());
    await untilItHasDone({ redis, key: keys.stream("signals_stream"), group: "signal_processor" }, count);
    routing.signal("SIGTERM");
    await routing.ended();
    const handedOn = await redis.xlen(keys.stream("strategy_input_stream"));
    if (handedOn !== tasks) throw new Error(`${count} signals became ${handedOn} tasks, not ${tasks}`);

    const watched = { redis, key: keys.stream("strategy_input_stream"), group: "strategy_executor" };
    const cost = await startCosting(redis);
    const executing = stage.startRouter({ FUNCTIONS: "execute-strategies,reclaim" });
    const [startedAt] = await Promise.all([untilItReads(watched), untilItRuns(executing)]);
    const endedAt = await untilItHasDone(watched, tasks);
    const spent = await cost();
    await checkOutcomes(redis, keys, tasks);
    return { tasks, seconds: (endedAt - startedAt) / 1000, redis: spent };
  });
}

/** @throws Error unless as many tasks have one outcome each, and that says `executed` */
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
