import { execFile } from "node:child_process";
import { mkdtemp, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

/** The last version whose routers know no heartbeats in `heartbeats` and look at idle times alone. */
export const WITHOUT_HEARTBEATS = "065af48424ba7ca6e113df4cf6c9c940bd9cd76f";
/** The last version whose routers know no exits, aliases and webhook sources, and the second format of the reference. */
export const WITHOUT_EXITS = "f65dcd24641a3f172b80b0cb88e78766f852c055";
/** The last version whose routers know no leases: each reads every group. */
export const WITHOUT_LEASES = "30779bcae10d69f297180afa90f814bc1b741fe9";

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, "../..");

/** Whether this clone's history goes back so far. */
export async function isInHistory(commit: string): Promise<boolean> {
  return run("git", ["cat-file", "-e", `${commit}^{commit}`], { cwd: ROOT }).then(
    () => true,
    () => false,
  );
}

/** A new folder with an earlier version, which the caller removes; unpacked from the repository's history. @throws Error when the history does not have it */
export async function versionBefore(commit: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "router-version-"));
  const archive = join(folder, "version.tar");
  await run("git", ["archive", "--output", archive, commit], { cwd: ROOT }).catch((error: unknown) => {
    const what = `commit ${commit} is not in this clone, expected the history from there on; git fetch --unshallow`;
    throw new Error(what, { cause: error });
  });
  await run("tar", ["-xf", archive, "-C", folder]);
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}
