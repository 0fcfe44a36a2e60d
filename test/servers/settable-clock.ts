import { readdirSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { installPackage } from "./debian-package.ts";
import { serverFolder } from "./folder.ts";

/** A clock for the processes that are started with its environment: that of this machine until it is set. */
export interface SettableClock {
  /** For programs that bring no allocator of their own, such as node. */
  readonly env: Readonly<Record<string, string>>;
  /** For redis-server: its allocator asks for the time before libfaketime is ready, so it is given that of the C library. */
  readonly redisEnv: Readonly<Record<string, string>>;
  /** By how many ms it is ahead of this machine's from now on, for every process that uses it. */
  set(aheadMs: number): Promise<void>;
  remove(): Promise<void>;
}

/** libfaketime of this machine, which changes what processes are told of the time. Only that of the calendar is changed. */
export async function settableClock(): Promise<SettableClock> {
  const { library, libc } = faketime();
  const folder = await serverFolder("clock");
  const file = join(folder, "ahead");
  const set = async (aheadMs: number): Promise<void> => {
    // Another process may read it at any moment.
    await writeFile(`${file}.new`, `${aheadMs < 0 ? "-" : "+"}${Math.abs(aheadMs) / 1000}`);
    await rename(`${file}.new`, file);
  };
  await set(0);
  const common = {
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    FAKETIME_NO_CACHE: "1",
    FAKETIME_TIMESTAMP_FILE: file,
  };
  return {
    env: { ...common, LD_PRELOAD: library },
    redisEnv: { ...common, LD_PRELOAD: `${library}:${libc}` },
    set,
    remove: async () => rm(folder, { recursive: true, force: true }),
  };
}

interface Faketime {
  readonly library: string;
  /** The C library of the same architecture. */
  readonly libc: string;
}

/** Installs the package if the machine has none. @throws Error when that is not possible */
function faketime(): Faketime {
  const found = findFaketime();
  if (found !== undefined) return found;
  installPackage("libfaketime");
  const installed = findFaketime();
  if (installed === undefined) throw new Error("libfaketime was installed, but is not in /usr/lib");
  return installed;
}

function findFaketime(): Faketime | undefined {
  for (const triplet of readdirSync("/usr/lib").filter((name) => name.includes("-linux-gnu"))) {
    const folder = `/usr/lib/${triplet}/faketime`;
    if (namesIn(folder).includes("libfaketime.so.1"))
      return { library: `${folder}/libfaketime.so.1`, libc: `/lib/${triplet}/libc.so.6` };
  }
  return undefined;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    // It does not exist.
    return [];
  }
}
