import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";

/**
 * Share of a period in which Redis' main thread was ready to run while the system ran something else.
 * Undefined where this is not known: Linux reports it, for processes of the same machine.
 */
export type CoreWait = (from: number, until: number) => number | undefined;

const EVERY_MS = 10;

/** Samples until the returned function is called. The result takes two times of `performance.now()` in between. */
export async function startWatchingCores(redis: Redis): Promise<() => Promise<CoreWait>> {
  const pid = /^process_id:(\d+)/m.exec(await redis.info("server"))?.[1];
  const samples: { at: number; waitedMs: number }[] = [];
  const stopping = new AbortController();
  async function sample(): Promise<void> {
    const waitedMs = await waitedMsOf(pid);
    if (waitedMs !== undefined) samples.push({ at: performance.now(), waitedMs });
  }
  const watching = (async () => {
    while (!stopping.signal.aborted) {
      await sample();
      await pause(EVERY_MS, undefined, { ref: false });
    }
  })();
  return async () => {
    stopping.abort();
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

/** The file has `time on a core, time waited for one, number of slices`, in ns, of the main thread of the process. */
async function waitedMsOf(pid: string | undefined): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/schedstat`, "utf8").catch(() => undefined);
  const [ran = 0, waited = 0] = text?.split(" ").map(Number) ?? [];
  // A kernel that does not count has the same file with zeros.
  return ran === 0 ? undefined : waited / 1e6;
}
