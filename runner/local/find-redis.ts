import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { promisify } from "node:util";
import {
  PACKAGE_MANAGERS,
  planRedisInstall,
  installHint,
  type Command,
  type PackageManager,
} from "./redis-install-plan.ts";

/** Finds a Redis server on this machine, or installs one. */

interface FindRedisOptions {
  /** The environment: PATH and CI are read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Asks the user at the terminal; undefined without a terminal. */
  readonly ask?: ((question: string) => Promise<boolean>) | undefined;
  /** Searched after PATH: services and editors often have a short PATH. */
  readonly usualFolders?: readonly string[];
  /** Runs an installation. @throws Error when it fails */
  readonly install?: (command: Command) => Promise<void>;
}

const USUAL_FOLDERS = ["/usr/local/bin", "/usr/bin", "/usr/local/sbin", "/usr/sbin", "/opt/homebrew/bin"];
const SERVERS = ["redis-server", "valkey-server"];
const MAJOR_MIN = 7;

/**
 * The path of a redis-server or valkey-server that is new enough. If there is none it is installed: as root and in CI
 * without asking, else after a yes at the terminal. @throws Error with the command to type when that is not allowed
 */
export async function findRedisServer({
  env,
  ask = askAtTerminal(),
  usualFolders = USUAL_FOLDERS,
  install = runVisibly,
}: FindRedisOptions): Promise<string> {
  const folders = [...new Set([...(env["PATH"] ?? "").split(delimiter), ...usualFolders])].filter(
    (dir) => dir !== "",
  );
  const found = await newEnough(folders);
  if (found.path !== undefined) return found.path;
  if (found.tooOld !== undefined) throw new Error(tooOld(found.tooOld));

  const available = async (name: string) => (await firstExecutable(folders, name)) !== undefined;
  const managers: PackageManager[] = [];
  for (const name of PACKAGE_MANAGERS) if (await available(name)) managers.push(name);
  const plan = planRedisInstall({
    platform: process.platform,
    managers,
    hasSudo: await available("sudo"),
    isRoot: process.getuid?.() === 0,
    isTty: ask !== undefined,
    isCi: !["", "0", "false"].includes(env["CI"] ?? ""),
  });
  if (plan.action === "fail") throw new Error(plan.message);
  if (plan.action === "ask") {
    const agreed = await ask?.(`No Redis server on this machine. Install one now (${plan.typed})? [y/N] `);
    if (agreed !== true) throw new Error(installHint(plan.typed));
  }
  try {
    await install(plan.command);
  } catch (error) {
    throw new Error(`The installation of a Redis server failed. ${installHint(plan.typed)}`, {
      cause: error,
    });
  }
  const installed = await newEnough(folders);
  if (installed.path !== undefined) return installed.path;
  throw new Error(installed.tooOld === undefined ? installHint(plan.typed) : tooOld(installed.tooOld));
}

/** The first server that is new enough; otherwise one that is too old, if any. */
async function newEnough(folders: readonly string[]): Promise<{ path?: string; tooOld?: string }> {
  let old: { tooOld?: string } = {};
  for (const name of SERVERS) {
    const path = await firstExecutable(folders, name);
    if (path === undefined) continue;
    const { stdout } = await promisify(execFile)(path, ["--version"]);
    const version = /v=(\d+)\S*/.exec(stdout);
    if (Number(version?.[1]) >= MAJOR_MIN) return { path };
    old = { tooOld: `${path} (${version?.[0] ?? "version unknown"})` };
  }
  return old;
}

function tooOld(server: string): string {
  return `${server} is too old: Redis ${MAJOR_MIN}.0 or newer, or Valkey, is needed. Update it, or set REDIS_URL.`;
}

async function firstExecutable(folders: readonly string[], name: string): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

function askAtTerminal(): FindRedisOptions["ask"] {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  return async (question) => {
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return /^y(es)?$/i.test((await terminal.question(question)).trim());
    } finally {
      terminal.close();
    }
  };
}

/** Runs it with its output on stderr (stdout is for results) and the terminal as input for sudo's password. */
async function runVisibly({ file, args }: Command): Promise<void> {
  const child = spawn(file, args, { stdio: ["inherit", 2, 2] });
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  if (code !== 0) throw new Error(`${file} ended with ${signal ?? `exit code ${code}`}`);
}
