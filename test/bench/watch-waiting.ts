import type { Redis } from "ioredis";
import { startClient } from "./clients/client-process.ts";
import type { PingingAnswer } from "./clients/pinging-client.ts";
import { startWatchingCores, type CoreWait } from "./core-wait.ts";
import { startTimingScripts, type ScriptTimes } from "./script-times.ts";
import type { WorkTime } from "./time-group.ts";

/** How others waited for a Redis at work. */
export interface Waiting {
  /** How long pings waited that were sent meanwhile, in ms. */
  readonly waitsMs: readonly number[];
  /** Undefined when no script took long enough to be noted. */
  readonly scripts: ScriptTimes | undefined;
  /** The part of the time in which Redis itself waited for a core; undefined where the system does not tell. */
  readonly coreWait: number | undefined;
}

/** A pinging client and what else tells why it waits. */
export interface WaitingWatch {
  start(redis: Redis, port: number): Promise<void>;
  /** To be called while Redis is there. */
  stop(): Promise<void>;
}

interface Seen {
  readonly pings: PingingAnswer["pings"];
  readonly scripts: ScriptTimes | undefined;
  readonly coreWait: CoreWait;
}

/**
 * Watches how others wait for Redis. `work` starts and stops the watch, and gives when it was at work;
 * the client is ended with it at the latest. @throws Error when too few pings were sent meanwhile
 */
export async function watchWaiting(
  work: (watch: WaitingWatch) => Promise<Pick<WorkTime, "startedAt" | "endedAt">>,
): Promise<Waiting> {
  let stopping: (() => Promise<Seen>) | undefined;
  let kill = (): void => undefined;
  let seen: Seen | undefined;
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
        seen = await stopping?.();
      },
    });
    if (seen === undefined) throw new Error("nothing was watched");
    return {
      waitsMs: waitsBetween(seen.pings, startedAt, endedAt),
      scripts: seen.scripts,
      coreWait: seen.coreWait(startedAt, endedAt),
    };
  } finally {
    kill();
  }
}

/** @throws Error when there were too few of them */
function waitsBetween(pings: Seen["pings"], startedAt: number, endedAt: number): number[] {
  const from = performance.timeOrigin + startedAt;
  const until = performance.timeOrigin + endedAt;
  const waitsMs = pings.filter(([sentAt]) => sentAt >= from && sentAt <= until).map(([, waitMs]) => waitMs);
  // What a late client has missed it sends at once: all but those around the edges are there.
  const least = (endedAt - startedAt) / 2;
  if (waitsMs.length < least) {
    throw new Error(
      `${waitsMs.length} pings were sent in ${Math.round(endedAt - startedAt)} ms, and ${least} at least were due`,
    );
  }
  return waitsMs;
}
