import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";

/**
 * The part of the time between two moments in which Redis' main thread was ready to run while the system ran something else.
 * Undefined where the system does not tell: only Linux does, of processes on the same machine.
 */
export type CoreWait = (from: number, until: number) => number | undefined;

const EVERY_MS = 10;

/** Watches from here on until the answer is called; what that gives takes moments in between, by `performance.now()`. */
export async function startWatchingCores(redis: Redis): Promise<() => Promise<CoreWait>> {
  const pid = /^process_id:(\d+)/m.exec(await redis.info("server"))?.[1];
  const samples: { at: number; waitedMs: number }[] = [];
  const told = new AbortController();
  async function sample(): Promise<void> {
    const waitedMs = await waitedMsOf(pid);
    if (waitedMs !== undefined) samples.push({ at: performance.now(), waitedMs });
  }
  const watching = (async () => {
    while (!told.signal.aborted) {
      await sample();
      await pause(EVERY_MS, undefined, { ref: false });
    }
  })();
  return async () => {
    told.abort();
    await watching;
    await sample();
    return (from, until) => {
      const first = samples.findLast(({ at }) => at <= from);
      const last = samples.find(({ at }) => at >= until);
      if (first === undefined || last === undefined) return undefined;
      return (last.waitedMs - first.waitedMs) / (last.at - first.at);
    };
  };
}

/** Of `time on a core, time waited for one, turns`, in nanoseconds; a process' own are those of its main thread. */
async function waitedMsOf(pid: string | undefined): Promise<number | undefined> {
  const told = await readFile(`/proc/${pid}/schedstat`, "utf8").catch(() => undefined);
  const [ran = 0, waited = 0] = told?.split(" ").map(Number) ?? [];
  // A kernel that does not count has the file all the same, full of zeros.
  return ran === 0 ? undefined : waited / 1e6;
}
