import type { Redis } from "ioredis";
import { startClient } from "./clients/client-process.ts";
import type { PingingAnswer } from "./clients/pinging-client.ts";
import { startWatchingCores, type CoreWait } from "./core-wait.ts";
import { startTimingScripts, type ScriptTimes } from "./script-times.ts";
import type { WorkTime } from "./time-group.ts";

/** How long other clients waited for a busy Redis, and why. */
export interface Waiting {
  /** Waiting times of the pings sent during the work, in ms. */
  readonly waitsMs: readonly number[];
  /** Undefined when no script call was long enough to be recorded. */
  readonly scripts: ScriptTimes | undefined;
  /** Share of the time in which Redis itself waited for a core; undefined where the system does not report it. */
  readonly coreWait: number | undefined;
}

/** A pinging client, and the measurements that explain its waiting times. */
export interface WaitingWatch {
  start(redis: Redis, port: number): Promise<void>;
  /** To be called while Redis still runs. */
  stop(): Promise<void>;
}

interface Measured {
  readonly pings: PingingAnswer["pings"];
  readonly scripts: ScriptTimes | undefined;
  readonly coreWait: CoreWait;
}

/**
 * Measures how long other clients wait for Redis. `work` starts and stops the watch and returns when it worked; the
 * client is killed after it at the latest. @throws Error when too few pings were sent meanwhile
 */
export async function watchWaiting(
  work: (watch: WaitingWatch) => Promise<Pick<WorkTime, "startedAt" | "endedAt">>,
): Promise<Waiting> {
  let stopping: (() => Promise<Measured>) | undefined;
  let kill = (): void => undefined;
  let measured: Measured | undefined;
  try {
    const { startedAt, endedAt } = await work({
      async start(redis, port) {
        const scripts = await startTimingScripts(redis);
        const watched = await startWatchingCores(redis);
        const client = startClient<PingingAnswer>("pinging-client.ts", { port });
        kill = () => {
          client.kill();
          void watched();
        };
        await client.untilItIsReady();
        stopping = async () => {
          client.end();
          const { pings } = await client.answer();
          return { pings, scripts: await scripts(), coreWait: await watched() };
        };
      },
      async stop() {
        measured = await stopping?.();
      },
    });
    if (measured === undefined) throw new Error("the watch was not started or not stopped");
    return {
      waitsMs: waitsBetween(measured.pings, startedAt, endedAt),
      scripts: measured.scripts,
      coreWait: measured.coreWait(startedAt, endedAt),
    };
  } finally {
    kill();
  }
}

/** @throws Error when there were too few pings */
function waitsBetween(pings: Measured["pings"], startedAt: number, endedAt: number): number[] {
  const from = performance.timeOrigin + startedAt;
  const until = performance.timeOrigin + endedAt;
  const waitsMs = pings.filter(([sentAt]) => sentAt >= from && sentAt <= until).map(([, waitMs]) => waitMs);
  // A late client sends at once what it has missed, so all pings but those at the edges are there.
  const least = (endedAt - startedAt) / 2;
  if (waitsMs.length < least) {
    throw new Error(
      `${waitsMs.length} pings were sent in ${Math.round(endedAt - startedAt)} ms, expected at least ${least}`,
    );
  }
  return waitsMs;
}
