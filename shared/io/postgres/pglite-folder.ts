import { existsSync } from "node:fs";
import { access, constants, readdir, rename, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../error-message.ts";
import { DataFolderError, fileTrouble, inWords, privateFolder } from "../files/private-files.ts";

/** The folder of the embedded database: whether there is one in it, and why it cannot be opened. */

/** True when it has nothing in it, or does not exist. @throws DataFolderError when it cannot be read */
export async function isEmptyFolder(folder: string): Promise<boolean> {
  if (!existsSync(folder)) return true;
  return (await inWords(folder, async () => readdir(folder))).length === 0;
}

/**
 * Lets `create` make a database beside the folder, which must be empty, and moves it there when it is complete: after a kill in
 * between, the next start begins anew instead of finding half of one.
 */
export async function createInFolder(
  folder: string,
  create: (folder: string) => Promise<void>,
): Promise<void> {
  const draft = `${folder}.new`;
  await inWords(draft, async () => rm(draft, { recursive: true, force: true }));
  await privateFolder(draft);
  await create(draft);
  await inWords(folder, async () => rename(draft, folder));
}

/** PGlite takes files without this one for no database, and makes a new one over them. @throws DataFolderError */
export function refuseWithoutVersion(folder: string): void {
  if (existsSync(join(folder, "PG_VERSION"))) return;
  throw new DataFolderError(
    `${folder} has files but no PG_VERSION, so it is no complete database: ${restoreAdvice(folder)}`,
  );
}

/** Free space, in bytes, without which Postgres cannot start. */
const FREE_BYTES_MIN = 20_000_000;

/** Why the database there could not be opened, in words. PGlite itself often only says that it was aborted. */
export async function openFailure(folder: string, error: unknown): Promise<Error> {
  const known = fileTrouble(folder, error) ?? (await spaceTrouble(folder)) ?? (await writeTrouble(folder));
  if (known !== undefined) return known;
  const said = messageOf(error).split("\n", 1)[0] ?? "";
  return new DataFolderError(
    `the embedded database in ${folder} cannot be opened, its files are damaged or of another version (PGlite: ${said}): ${restoreAdvice(folder)}`,
  );
}

async function spaceTrouble(folder: string): Promise<DataFolderError | undefined> {
  const disk = await statfs(folder).catch(() => undefined);
  if (disk === undefined || disk.bavail * disk.bsize >= FREE_BYTES_MIN) return undefined;
  return fileTrouble(folder, Object.assign(new Error("full"), { code: "ENOSPC" }));
}

async function writeTrouble(folder: string): Promise<DataFolderError | undefined> {
  for (const path of ["", "global", "global/pg_control", "pg_wal"].map((name) => join(folder, name))) {
    try {
      await access(path, constants.R_OK | constants.W_OK);
    } catch (error) {
      // One that is missing is damage.
      const trouble = fileTrouble(path, error);
      if (trouble !== undefined) return trouble;
    }
  }
  return undefined;
}

function restoreAdvice(folder: string): string {
  return `put back a backup of that folder, or move it away (mv '${folder}' '${folder}.damaged') to begin with a new database, which has the demo in it`;
}
