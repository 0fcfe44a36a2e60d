import type { Redis } from "ioredis";
import { controlOf } from "../../decide/control.ts";
import { fieldsOf } from "../../entry.ts";
import type { Keys } from "../../keys.ts";
import { NO_USE, type StrategyUse } from "../../reference-document/removals.ts";
import { readGroupInfos } from "../streams/group-info.ts";
import { readPending } from "../streams/pending-entries.ts";

/** Reads what Redis holds for strategies that are to be removed: pauses, and the tasks of every group that runs them. */
export function strategyUseOn(
  redis: Redis,
  keys: Keys,
): (ids: readonly number[]) => Promise<ReadonlyMap<number, StrategyUse>> {
  return async (ids) => {
    const { pausedStrategies } = controlOf(await redis.hgetall(keys.control));
    const { tasks, isComplete } = await readTasks(redis, keys.stream("strategy_input_stream"));
    const of = (id: number, begun: boolean): number =>
      [...tasks.values()].filter((task) => task.strategyId === id && task.begun === begun).length;
    return new Map(
      ids.map((id) => {
        const counts = { tasksWaiting: of(id, false), tasksInFlight: of(id, true) };
        return [
          id,
          { ...NO_USE, ...counts, isPaused: pausedStrategies.has(id), areTasksUnknown: !isComplete },
        ];
      }),
    );
  };
}

interface Task {
  readonly strategyId: number;
  readonly begun: boolean;
}

/** More tasks than this are not looked at. */
const TASKS_READ_MAX = 20_000;
const PAGE_COUNT = 500;

/** The tasks that are not over in any group, by entry. */
async function readTasks(
  redis: Redis,
  key: string,
): Promise<{ readonly tasks: ReadonlyMap<string, Task>; readonly isComplete: boolean }> {
  const tasks = new Map<string, Task>();
  const add = (entry: readonly [string, string[]] | undefined, begun: boolean): void => {
    if (entry === undefined) return;
    const [id, flat] = entry;
    const isBegun = begun || tasks.get(id)?.begun === true;
    tasks.set(id, { strategyId: Number(fieldsOf(flat)["strategy_id"]), begun: isBegun });
  };
  for (const { name, lastDeliveredId } of await readGroupInfos(redis, key)) {
    for (let from = "-"; ;) {
      const page = await readPending(redis, { key, group: name, from, countMax: PAGE_COUNT });
      const entries = await Promise.all(page.map(async ({ id }) => redis.xrange(key, id, id)));
      for (const [at, found] of entries.entries()) add(found[0], (page[at]?.deliveries ?? 0) > 0);
      const last = page.at(-1);
      if (tasks.size >= TASKS_READ_MAX) return { tasks, isComplete: false };
      if (last === undefined || page.length < PAGE_COUNT) break;
      from = `(${last.id}`;
    }
    for (let from = `(${lastDeliveredId}`; ;) {
      const page = await redis.xrange(key, from, "+", "COUNT", PAGE_COUNT);
      for (const entry of page) add(entry, false);
      const last = page.at(-1);
      if (tasks.size >= TASKS_READ_MAX) return { tasks, isComplete: false };
      if (last === undefined || page.length < PAGE_COUNT) break;
      from = `(${last[0]}`;
    }
  }
  return { tasks, isComplete: true };
}
