import { readFile } from "node:fs/promises";
import type { Redis } from "ioredis";

/**
 * From here on, how long Redis' main thread has been ready to run while the system ran something else, in ms. Undefined
 * where the system does not tell: only Linux does, of processes on the same machine.
 */
export async function startWatchingCores(redis: Redis): Promise<() => Promise<number | undefined>> {
  const pid = /^process_id:(\d+)/m.exec(await redis.info("server"))?.[1];
  const before = await waitedMs(pid);
  return async () => {
    const after = await waitedMs(pid);
    return before === undefined || after === undefined ? undefined : after - before;
  };
}

/** Of `time on a core, time waited for one, turns`, in nanoseconds; a process' own are those of its main thread. */
async function waitedMs(pid: string | undefined): Promise<number | undefined> {
  const told = await readFile(`/proc/${pid}/schedstat`, "utf8").catch(() => undefined);
  const waited = told?.split(" ")[1];
  return waited === undefined ? undefined : Number(waited) / 1e6;
}
