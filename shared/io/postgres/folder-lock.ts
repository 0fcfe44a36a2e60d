import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, readFile, rmdir, stat, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import lockfile from "proper-lockfile";

/** A lock on a folder among the processes that use this module; it outlives none of them by more than 5 s. */
export interface FolderLock {
  /** Whether the folder is still ours; looks at the disk, about 10 µs. */
  isHeld(): boolean;
  release(): Promise<void>;
}

/** Another process has the folder. */
export class FolderInUseError extends Error {
  override readonly name = "FolderInUseError";
  readonly pid: string;

  constructor(folder: string, pid: string) {
    super(`the folder ${folder} is in use by another process (pid ${pid})`);
    this.pid = pid;
  }
}

/** The holder renews its lock every second. One not renewed for so long is of a process that was killed. */
const STALE_MS = 5000;
const RENEW_MS = 1000;
const LOOK_MS = 100;

/**
 * Creates the folder if need be and locks it. Waits for the lock of a killed process to become stale, but not for one
 * that is being renewed. `onLost` is told when another process has taken it over, after this one had stood still.
 * @throws FolderInUseError
 */
export async function lockFolder(folder: string, onLost: () => void): Promise<FolderLock> {
  await mkdir(folder, { recursive: true });
  const ownerFile = `${folder}.owner`;
  const owner = `${process.pid} ${randomUUID()}`;
  const isHeld = (): boolean => {
    try {
      return readFileSync(ownerFile, "utf8") === owner;
    } catch {
      // Gone or unreadable: whatever happened, it is not known to be ours.
      return false;
    }
  };
  // The library reports a lock that somebody else has touched. That may be its former holder, which on waking up
  // renews or removes it before it notices that it is not its own any more; then it is still ours, and taken again.
  const onTouched = (): void => {
    if (!isHeld()) return onLost();
    retaken = rmdir(`${folder}.lock`)
      .catch(() => undefined)
      .then(() => lock(folder, onTouched));
    retaken.catch(onLost);
  };
  let retaken = Promise.resolve(await acquire(folder, ownerFile, onTouched));
  await writeFile(ownerFile, owner);
  return {
    isHeld,
    release: async () => (await retaken)(),
  };
}

type Release = () => Promise<void>;

function lock(folder: string, onCompromised: () => void): Promise<Release> {
  return lockfile.lock(folder, { stale: STALE_MS, update: RENEW_MS, onCompromised });
}

async function acquire(folder: string, ownerFile: string, onTouched: () => void): Promise<Release> {
  let renewedAt: number | undefined;
  for (;;) {
    try {
      return await lock(folder, onTouched);
    } catch (error) {
      if (!isLocked(error)) throw error;
    }
    const renewed = await stat(`${folder}.lock`).catch(() => undefined);
    if (renewed !== undefined) {
      if (renewedAt !== undefined && renewed.mtimeMs !== renewedAt) {
        const owner = await readFile(ownerFile, "utf8").catch(() => "unknown");
        throw new FolderInUseError(folder, owner.split(" ", 1)[0] ?? owner);
      }
      renewedAt = renewed.mtimeMs;
    }
    await delay(LOOK_MS);
  }
}

function isLocked(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ELOCKED";
}
