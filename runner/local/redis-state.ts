import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";

/** The state of the local Redis between runs, in a file beside its data. */

const stateSchema = z.object({
  /** Stays the same over restarts. */
  port: z.int(),
  /** Process id of the server, once it has answered. */
  pid: z.int().positive().optional(),
  /** Process id of the router that has to end it. */
  owner: z.int().positive().optional(),
});
export type RedisState = z.infer<typeof stateSchema>;

const FILE = "server.json";

/** The state; undefined when it is missing or malformed, and port 6379 or a free one is used. */
export function readState(dir: string): RedisState | undefined {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(join(dir, FILE), "utf8")));
  } catch {
    return undefined;
  }
}

export function writeState(dir: string, state: RedisState): void {
  const file = join(dir, FILE);
  writeFileSync(`${file}.new`, JSON.stringify(state), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Whether a process with this id is running; a zombie (ended, but not yet collected by its parent) is not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return true; // not Linux
  }
}
