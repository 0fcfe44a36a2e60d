import { existsSync } from "node:fs";
import { cp, mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { inject, vi } from "vitest";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import { serverFolder } from "./folder.ts";

/**
 * Creates a folder that the embedded database has been opened in before. In an empty one PGlite takes 4 s of CPU to open, in
 * this one 0.6 s: the first test of a run that asks makes one, and everybody gets a copy.
 */
export async function embeddedFolder(): Promise<string> {
  const original = join(inject("runFolder"), "embedded-database");
  // Undefined when the folder was there already.
  const isFirst = (await mkdir(`${original}.first`, { recursive: true })) !== undefined;
  if (isFirst) {
    const dataDir = `${original}.making`;
    const database = await openDatabase({ url: undefined, dataDir, onError: () => undefined });
    await database.close();
    await rename(dataDir, original);
  }
  await vi.waitUntil(() => existsSync(original), { timeout: 60_000 });
  const folder = await serverFolder("pglite");
  await cp(original, folder, { recursive: true });
  return folder;
}
