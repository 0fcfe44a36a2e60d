import { mkdtemp, readdir, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive } from "../../runner/local/redis-state.ts";

/** Linux keeps what is in this folder in memory. */
const IN_MEMORY = "/dev/shm";
/** So much room that no test comes near it; a container may have 64 MB there. */
const FREE_BYTES_MIN = 2 ** 31;

/**
 * Creates a folder for data that lives no longer than a test run. In memory where there is room: making a database takes
 * 25 ms there, and 110 ms on a disk.
 */
export async function serverFolder(name: string, { onDisk = false } = {}): Promise<string> {
  const parent = !onDisk && (await hasRoom(IN_MEMORY)) ? IN_MEMORY : tmpdir();
  return mkdtemp(join(parent, `router-${name}-${process.pid}-`));
}

/** Deletes what runs that were killed have left in memory. */
export async function removeLeftovers(): Promise<void> {
  const names = await readdir(IN_MEMORY).catch((): string[] => []);
  const left = names.filter((name) => {
    const [, pid] = /^router-.+-(\d+)-\w+$/.exec(name) ?? [];
    return pid !== undefined && !isAlive(Number(pid));
  });
  await Promise.all(left.map(async (name) => rm(join(IN_MEMORY, name), { recursive: true, force: true })));
}

async function hasRoom(folder: string): Promise<boolean> {
  const stats = await statfs(folder).catch(() => undefined);
  return stats !== undefined && stats.bavail * stats.bsize >= FREE_BYTES_MIN;
}
