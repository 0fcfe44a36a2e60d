import { chmod, mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** This room keeps folders and files of the local stack closed to other users, and says in words why one cannot be used. */

/** A folder or file of the local stack cannot be used; the message says why, and what to do. A restart does not help. */
export class DataFolderError extends Error {
  override readonly name = "DataFolderError";
}

/** Creates the folder if necessary and closes it to other users. @throws DataFolderError, also when it is another user's */
export async function privateFolder(folder: string): Promise<void> {
  await inWords(folder, async () => {
    await mkdir(folder, { recursive: true, mode: FOLDER });
    await close(folder);
  });
}

/** Closes a folder, and everything in it, to other users. @throws DataFolderError, also when a part is another user's */
export async function privateTree(folder: string): Promise<void> {
  await privateFolder(folder);
  for (const entry of await inWords(folder, async () => readdir(folder, { withFileTypes: true }))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await privateTree(path);
    else if (entry.isFile()) await privateFile(path);
  }
}

/** Closes a file to other users; one that has gone meanwhile is none. @throws DataFolderError, also when it is another user's */
export async function privateFile(path: string): Promise<void> {
  await inWords(path, async () => {
    await close(path).catch((error: unknown) => {
      if (codeOf(error) !== "ENOENT") throw error;
    });
  });
}

const FOLDER = 0o700;
const FILE = 0o600;

async function close(path: string): Promise<void> {
  const found = await stat(path);
  const user = process.getuid?.();
  if (user !== undefined && found.uid !== user) {
    throw new DataFolderError(
      `${path} belongs to another user (uid ${found.uid}; this process runs as uid ${user}): start the router as that user, or give it to this one with: chown -R ${user} '${path}'`,
    );
  }
  const mode = found.isDirectory() ? FOLDER : FILE;
  if ((found.mode & 0o777) !== mode) await chmod(path, mode);
}

/** Runs a step on this path; what the system refuses is thrown in words. */
export async function inWords<T>(path: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw fileTrouble(path, error) ?? error;
  }
}

/** What an error of the system about this path means, and what to do; undefined for any other error. */
export function fileTrouble(path: string, error: unknown): DataFolderError | undefined {
  const code = codeOf(error);
  const meaning = code === undefined ? undefined : MEANINGS[code];
  return meaning === undefined ? undefined : new DataFolderError(`${path} ${meaning(path)} (${code})`);
}

const FULL = (path: string): string =>
  `cannot be written, because its disk is full: free some space (df -h '${path}' shows it), then start again`;
const DENIED = (path: string): string =>
  `may not be used by this user: ls -ld '${path}' shows whose it is; start the router as that user, or give it to this one with chown -R`;
const READ_ONLY = (path: string): string =>
  `is on a read-only file system: make it writable (findmnt -T '${path}' shows it), or set REDIS_URL and DATABASE_URL to use servers`;
const NO_FOLDER = (): string => "is, or is below, a file where a folder is expected: move that file away";

const MEANINGS: Readonly<Record<string, (path: string) => string>> = {
  EACCES: DENIED,
  EPERM: DENIED,
  EROFS: READ_ONLY,
  ENOSPC: FULL,
  EDQUOT: FULL,
  ENOTDIR: NO_FOLDER,
  EEXIST: NO_FOLDER,
  EIO: () => "cannot be read or written, because its disk fails: see the log of the system",
};

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
