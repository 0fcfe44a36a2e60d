import type { Redis } from "ioredis";
import type { Keys } from "../../keys.ts";
import { readGroupInfos } from "./group-info.ts";
import { readPending } from "./pending-entries.ts";
import { entryOf, PAGE_ENTRIES } from "./read-entries.ts";

/** One strategy's task for an entry of `signals_stream`. */
export interface TaskOfEntry {
  readonly entryId: string;
  readonly strategyId: number;
  readonly invocation: string;
}

/**
 * Id of the task in `strategy_input_stream` that a consumer of `execute-strategies` has and has not ended, whatever the log
 * says of it; undefined when there is none. Looks at all that is pending: Redis' clock may have been set back.
 */
export async function pendingTask(redis: Redis, keys: Keys, task: TaskOfEntry): Promise<string | undefined> {
  const key = keys.stream("strategy_input_stream");
  const group = keys.group("strategy_executor");
  // Workers of another system may run the tasks, without this group.
  const groups = await readGroupInfos(redis, key);
  if (!groups.some(({ name }) => name === group)) return undefined;
  for (let start = "-"; ;) {
    const pending = await readPending(redis, { key, group, from: start, countMax: PAGE_ENTRIES });
    const found = await Promise.all(pending.map(async ({ id }) => redis.xrange(key, id, id)));
    const own = found
      .flat()
      .map(entryOf)
      .find(
        ({ fields }) =>
          fields["entry_id"] === task.entryId &&
          fields["strategy_id"] === String(task.strategyId) &&
          (fields["invocation"] ?? "live") === task.invocation,
      );
    const last = pending.at(-1);
    if (own !== undefined || last === undefined || pending.length < PAGE_ENTRIES) return own?.id;
    start = `(${last.id}`;
  }
}
