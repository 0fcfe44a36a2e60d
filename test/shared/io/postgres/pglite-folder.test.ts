import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "../../../../shared/io/postgres/open-database.ts";
import { createInFolder, isEmptyFolder, openFailure } from "../../../../shared/io/postgres/pglite-folder.ts";
import { embeddedFolder } from "../../../servers/embedded-folder.ts";

/** What becomes of the embedded database whose folder is damaged, or open to others. */

let dataDir = "";
beforeEach(async () => {
  dataDir = await embeddedFolder();
});
afterEach(async () => rm(dataDir, { recursive: true, force: true }));

const open = async () => openDatabase({ url: undefined, dataDir, onError: () => undefined });
const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

test("a folder without PG_VERSION is refused with what to do, and no new database is made over its files", async () => {
  await rm(join(dataDir, "postgres", "PG_VERSION"));
  const before = await readdir(join(dataDir, "postgres"));
  await expect(open()).rejects.toThrow(/postgres has files but no PG_VERSION.*backup.*move it away/);
  expect(await readdir(join(dataDir, "postgres"))).toEqual(before);
});

test("damaged files are refused with the cause and what to do", async () => {
  await writeFile(join(dataDir, "postgres", "global", "pg_control"), "damaged");
  await expect(open()).rejects.toThrow(
    /postgres cannot be opened, its files are damaged.*backup.*move it away/,
  );
});

test("folders that others could enter are closed before they are used", async () => {
  await chmod(dataDir, 0o755);
  await chmod(join(dataDir, "postgres"), 0o777);
  const database = await open();
  expect([await modeOf(dataDir), await modeOf(join(dataDir, "postgres"))]).toEqual(["700", "700"]);
  await database.close();
});

test("a database is made beside its folder and moved when it is complete, so that a kill leaves no half of one", async () => {
  const parent = await mkdtemp(join(tmpdir(), "half-"));
  const folder = join(parent, "postgres");
  await mkdir(folder);
  const half = async (draft: string): Promise<void> => writeFile(join(draft, "PG_VERSION"), "18");
  const killed = createInFolder(folder, async (draft) => {
    await half(draft);
    throw new Error("killed");
  });
  await expect(killed).rejects.toThrow("killed");
  expect(await isEmptyFolder(folder)).toBe(true);
  await createInFolder(folder, async (draft) => {
    expect(await readdir(draft)).toEqual([]);
    await half(draft);
  });
  expect([await readdir(folder), await modeOf(folder)]).toEqual([["PG_VERSION"], "700"]);
  await rm(parent, { recursive: true });
});

test("what the system says about a file is the reason, when it says anything", async () => {
  const readOnly = Object.assign(new Error("EROFS: read-only file system"), { code: "EROFS" });
  expect((await openFailure(join(dataDir, "postgres"), readOnly)).message).toMatch(/read-only file system/);
});
