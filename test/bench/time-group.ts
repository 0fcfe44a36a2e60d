import { setTimeout as pause } from "node:timers/promises";
import { messageOf } from "../../shared/error-message.ts";
import { untilItRuns, type RouterProcess } from "../servers/router-process.ts";
import { untilItHasDone, untilItReads, type WatchedGroup } from "./group-watch.ts";

export interface TimedWork {
  /** Time begins with its first read. */
  readonly first: WatchedGroup;
  /** Time ends with its last acknowledgement; the same group unless given. */
  readonly last?: WatchedGroup;
  /** Entries of the last group. */
  readonly count: number;
  /** Who does the work, started a moment ago. */
  readonly routers: readonly RouterProcess[];
}

/** When work was done, in ms as `performance.now()` tells it. */
export interface WorkTime {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly seconds: number;
}

const START_MS_MAX = 30_000;
const OUTPUT_LINES_MAX = 20;

/**
 * Times what routers do in a group. @throws Error with the end of their output when one of them ends
 * meanwhile or does not come to run, or nothing moves for half a minute
 */
export async function timeGroup({ first, last = first, count, routers }: TimedWork): Promise<WorkTime> {
  const over = new AbortController();
  const work = async (): Promise<WorkTime> => {
    const startedAt = await untilItReads(first, over.signal);
    const endedAt = await untilItHasDone(last, count, over.signal);
    // One of several may come to run when the others have done the work.
    await Promise.race([Promise.all(routers.map(untilItRuns)), startLimit(over.signal)]);
    return { startedAt, endedAt, seconds: (endedAt - startedAt) / 1000 };
  };
  try {
    return await Promise.race([work(), ...routers.map(untilItEnds)]);
  } catch (error) {
    const outputs = routers.map(endOfOutput);
    throw new Error([messageOf(error), ...outputs].join("\n"), { cause: error });
  } finally {
    over.abort();
  }
}

/** @throws Error when the router has ended, which it never does by itself */
async function untilItEnds(router: RouterProcess): Promise<never> {
  throw new Error(`a router ended with ${await router.ended()}`);
}

/** @throws Error after a while */
async function startLimit(signal: AbortSignal): Promise<never> {
  await pause(START_MS_MAX, undefined, { signal });
  throw new Error(`a router has not come to run within ${START_MS_MAX} ms after the work was done`);
}

/** A handler that writes a line for every task makes it long. */
function endOfOutput(router: RouterProcess): string {
  return router.output().trimEnd().split("\n").slice(-OUTPUT_LINES_MAX).join("\n");
}
