import { readFile } from "node:fs/promises";

/** Memory of a process, in MB. */
export interface ProcessMemory {
  /** Resident at this moment. */
  readonly residentMb: number;
  /** Highest resident memory since the start of the process. */
  readonly peakMb: number;
  /** The part of the resident memory that is not pages of files. */
  readonly ownMb: number;
}

/** Undefined on systems other than Linux, which do not report it. */
export async function memoryOf(pid: number): Promise<ProcessMemory | undefined> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => undefined);
  if (status === undefined) return undefined;
  const mb = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
  return { residentMb: mb("VmRSS"), peakMb: mb("VmHWM"), ownMb: mb("RssAnon") };
}
