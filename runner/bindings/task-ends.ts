import type { Redis } from "ioredis";
import type { Entry } from "../../shared/entry.ts";
import type { Result } from "../../shared/function.ts";
import { ENDS_KEPT_MAX, type TaskEnd } from "../../shared/health/task-ends.ts";
import type { Clock } from "../../shared/io/redis/clock.ts";
import { taskEndAdder } from "../../shared/io/status/task-ends.ts";
import type { Keys } from "../../shared/keys.ts";
import { countedExecution } from "../../shared/metrics.ts";
import { rowVersion } from "../../shared/reference/row-version.ts";
import type { Snapshot } from "../../shared/reference/snapshot.ts";
import { delayedWrite } from "../telemetry/delayed-write.ts";
import type { EventLog } from "../telemetry/event-log.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";
import type { RoutingContextCache } from "./routing-context.ts";

/**
 * Records for health how tasks ended, a moment after their commit and for many tasks at once, so that no commit waits for it. The
 * ends of the last moment are lost when the process is killed.
 */
export interface TaskEnds {
  /** A task that was run on this snapshot, or on the current one if undefined, has ended. */
  add(strategyId: number, failed: boolean, snapshot: Snapshot | undefined): void;
  /** Writes what has been added. Never rejects. */
  flush(): Promise<void>;
  close(): void;
}

export interface TaskEndsDeps {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly routing: RoutingContextCache;
  readonly events: EventLog;
}

const WRITE_DELAY_MS = 100;

interface AddedEnd extends Pick<TaskEnd, "at" | "failed"> {
  readonly snapshot: Snapshot | undefined;
}

export function taskEndsOn({ redis, keys, clock, routing, events }: TaskEndsDeps): TaskEnds {
  const addTaskEnds = taskEndAdder(redis, keys);
  let added = new Map<number, AddedEnd[]>();

  function push(strategyId: number, end: AddedEnd): void {
    const ends = added.get(strategyId);
    if (ends === undefined) added.set(strategyId, [end]);
    else if (ends.push(end) > ENDS_KEPT_MAX) ends.shift();
  }

  async function write(): Promise<void> {
    if (added.size === 0) return;
    const taken = added;
    added = new Map();
    try {
      const context = await routing.get();
      const current = "status" in context ? undefined : context.snapshot;
      const ends = [...taken].map(([id, list]): [number, TaskEnd[]] => [
        id,
        list.flatMap((end) => endIn(id, end, current)),
      ]);
      await addTaskEnds(new Map(ends.filter(([, list]) => list.length > 0)));
    } catch (error) {
      const later = added;
      added = taken;
      for (const [id, list] of later) for (const end of list) push(id, end);
      throw error;
    }
  }

  const writing = delayedWrite(write, {
    delayMs: WRITE_DELAY_MS,
    reporter: failureReporter(events, {
      source: "execute-strategies",
      what: "how tasks ended cannot be written, so health does not show which strategies are failing",
    }),
  });
  return {
    add(strategyId, failed, snapshot) {
      push(strategyId, { at: clock.now(), failed, snapshot });
      writing.request();
    },
    flush: async () => writing.flush(),
    close: () => writing.close(),
  };
}

/** None when the strategy is not there any more. */
function endIn(
  strategyId: number,
  { at, failed, snapshot }: AddedEnd,
  current: Snapshot | undefined,
): TaskEnd[] {
  const strategy = (snapshot ?? current)?.strategies.get(strategyId);
  return strategy === undefined ? [] : [{ row: rowVersion(strategy), at, failed }];
}

/** The tasks that one binding runs: on which snapshot each was begun, until it has ended. */
export interface RunTasks {
  begun(id: string, snapshot: Snapshot): void;
  committed(result: Result): void;
  over(entries: readonly Entry[]): void;
}

export function runTasks(ends: TaskEnds): RunTasks {
  const snapshots = new Map<string, Snapshot>();
  return {
    begun: (id, snapshot) => void snapshots.set(id, snapshot),
    committed(result) {
      const branch =
        result.status === "done" ? result.effects : result.status === "dead" ? result.also : undefined;
      const execution = branch === undefined ? undefined : countedExecution(branch.count);
      if (execution === undefined) return;
      const { strategyId, status, wasRun } = execution;
      // A task that was not to be run any more says nothing about its strategy.
      if (status === "ignored" && !wasRun) return;
      ends.add(strategyId, status === "failed", snapshots.get(result.id));
    },
    over(entries) {
      for (const { id } of entries) snapshots.delete(id);
    },
  };
}
