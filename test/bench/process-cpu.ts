import { readFile } from "node:fs/promises";

/** What the system counts CPU time in, on every Linux that Node runs on. */
const TICK_MS = 10;

/** CPU time that a process has used so far, all its threads, in ms; undefined on systems other than Linux. */
export async function cpuMsOf(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // The name of the program, in parentheses, may have spaces: what follows it begins with the state, the third field.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields === undefined ? undefined : (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** The sum of several processes; undefined when one is not known. */
export async function cpuMsOfAll(pids: readonly number[]): Promise<number | undefined> {
  const each = await Promise.all(pids.map(cpuMsOf));
  return each.reduce((sum, ms) => (sum === undefined || ms === undefined ? undefined : sum + ms), 0);
}
