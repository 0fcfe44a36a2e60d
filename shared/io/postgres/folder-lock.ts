import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { chmod, mkdir, readFile, rmdir, stat, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import lockfile from "proper-lockfile";

/** A lock on a folder among the processes that use this module; it expires 5 s after its holder was killed. */
export interface FolderLock {
  /** Whether this process still holds the lock; reads a file, which takes about 10 µs. */
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

/** The holder renews its lock every second; a lock not renewed for so long belongs to a process that was killed. */
const STALE_MS = 5000;
const RENEW_MS = 1000;
const CHECK_MS = 100;

/**
 * Creates the folder if necessary and locks it. Waits for the lock of a killed process to expire, but not for one that is being
 * renewed. Calls `onLost` when another process has locked it while this one was paused. @throws FolderInUseError
 */
export async function lockFolder(folder: string, onLost: () => void): Promise<FolderLock> {
  await mkdir(folder, { recursive: true });
  const ownerFile = `${folder}.owner`;
  const owner = `${process.pid} ${randomUUID()}`;
  const isHeld = (): boolean => {
    try {
      return readFileSync(ownerFile, "utf8") === owner;
    } catch {
      // A missing or unreadable file does not prove that this process holds the lock.
      return false;
    }
  };
  // The library reports that another process changed the lock. That may be its former holder, which was paused and renews or
  // removes it before noticing that it lost it; then this process still holds it, and locks again.
  const onTouched = (): void => {
    if (!isHeld()) return onLost();
    locked = rmdir(`${folder}.lock`)
      .catch(() => undefined)
      .then(() => lock(folder, onTouched));
    locked.catch(onLost);
  };
  let locked = Promise.resolve(await acquire(folder, ownerFile, onTouched));
  await writeFile(ownerFile, owner, { mode: 0o600 });
  return {
    isHeld,
    release: async () => (await locked)(),
  };
}

type Release = () => Promise<void>;

async function lock(folder: string, onCompromised: () => void): Promise<Release> {
  const release = await lockfile.lock(folder, { stale: STALE_MS, update: RENEW_MS, onCompromised });
  await chmod(`${folder}.lock`, 0o700);
  return release;
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
    await delay(CHECK_MS);
  }
}

function isLocked(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ELOCKED";
}
