import { setTimeout as pause } from "node:timers/promises";
import { messageOf } from "../../shared/error-message.ts";
import { untilItRuns, type RouterProcess } from "../servers/router-process.ts";
import { untilItHasDone, untilItReads, type WatchedGroup } from "./group-watch.ts";
import { cpuMsOfAll } from "./process-cpu.ts";

/**
 * Measures the time that routers take for the entries of a group.
 * @throws Error with the end of their output when one exits or does not start, or without progress for half a minute
 */
export async function timeGroup({ first, last = first, count, routers }: TimedWork): Promise<WorkTime> {
  const over = new AbortController();
  const work = async (): Promise<WorkTime> => {
    const pids = routers.map(({ pid }) => pid);
    const startedAt = await untilItReads(first, over.signal);
    const cpuMsBefore = await cpuMsOfAll(pids);
    const endedAt = await untilItHasDone(last, count, over.signal);
    const cpuMsAfter = await cpuMsOfAll(pids);
    // One of several may be ready only after the others have done the work.
    await Promise.race([Promise.all(routers.map(untilItRuns)), startLimit(over.signal)]);
    const isKnown = cpuMsBefore !== undefined && cpuMsAfter !== undefined;
    const routerCpuMs = isKnown ? cpuMsAfter - cpuMsBefore : undefined;
    return { startedAt, endedAt, seconds: (endedAt - startedAt) / 1000, routerCpuMs };
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

const START_MS_MAX = 30_000;
const OUTPUT_LINES_MAX = 20;

export interface TimedWork {
  /** Time begins with its first read. */
  readonly first: WatchedGroup;
  /** Time ends with its last acknowledgement; the same group unless given. */
  readonly last?: WatchedGroup;
  /** Entries of the last group. */
  readonly count: number;
  /** The routers that do the work, just started. */
  readonly routers: readonly RouterProcess[];
}

/** When work was done; times of `performance.now()`. */
export interface WorkTime {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly seconds: number;
  /** CPU time of all routers meanwhile, in ms; undefined where the system does not report it. */
  readonly routerCpuMs?: number | undefined;
}

/** @throws Error when the router has exited, which it should not do by itself */
async function untilItEnds(router: RouterProcess): Promise<never> {
  throw new Error(`a router exited with ${await router.ended()}`);
}

/** @throws Error after {@link START_MS_MAX} */
async function startLimit(signal: AbortSignal): Promise<never> {
  await pause(START_MS_MAX, undefined, { signal });
  throw new Error(`a router was not ready within ${START_MS_MAX} ms after the work was done`);
}

/** The last lines: a handler that prints a line per task makes the output long. */
function endOfOutput(router: RouterProcess): string {
  return router.output().trimEnd().split("\n").slice(-OUTPUT_LINES_MAX).join("\n");
}
