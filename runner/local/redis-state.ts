import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";

/** What is known of the local Redis between runs, kept in a file beside its data. */

const stateSchema = z.object({
  /** Stays the same over restarts. */
  port: z.int(),
  /** Process id of the server, once it answered. */
  pid: z.int().positive().optional(),
  /** Process id of the router that ends it. */
  owner: z.int().positive().optional(),
});
export type RedisState = z.infer<typeof stateSchema>;

const FILE = "server.json";

/** The state, undefined when there is none that can be read: then 6379 or a free port will do. */
export function readState(dir: string): RedisState | undefined {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(join(dir, FILE), "utf8")));
  } catch {
    return undefined;
  }
}

export function writeState(dir: string, state: RedisState): void {
  const file = join(dir, FILE);
  writeFileSync(`${file}.new`, JSON.stringify(state));
  renameSync(`${file}.new`, file);
}

/** Whether a process with this id runs. One that has ended and that nobody has collected (a zombie) does not. */
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
