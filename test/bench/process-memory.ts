import { readFile } from "node:fs/promises";

/** Memory of a process, in MB. */
export interface ProcessMemory {
  /** Resident now. */
  readonly residentMb: number;
  /** The most that was ever resident. */
  readonly peakMb: number;
  /** Of what is resident now, what is not a page of a file. */
  readonly ownMb: number;
}

/** Undefined where the system does not tell: only Linux does. */
export async function memoryOf(pid: number): Promise<ProcessMemory | undefined> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => undefined);
  if (status === undefined) return undefined;
  const mb = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
  return { residentMb: mb("VmRSS"), peakMb: mb("VmHWM"), ownMb: mb("RssAnon") };
}
