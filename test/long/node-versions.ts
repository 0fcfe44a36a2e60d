import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";

/** Major versions the quick tests are run on besides the one they are run on every day. */
export const NODE_VERSIONS = [22, 24] as const;

/** Not in node_modules, which `npm ci` empties. */
const CACHE = resolve(import.meta.dirname, "../../.data/node");

/**
 * Path of the newest Node of a major version, as an npm package brings it; kept once it has been fetched. Says which one it is.
 * @throws Error when there is none for this platform
 */
export async function nodeOf(version: number): Promise<string> {
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const folder = join(CACHE, String(version));
  const binary = join(
    folder,
    "node_modules",
    name,
    "bin",
    process.platform === "win32" ? "node.exe" : "node",
  );
  if (!existsSync(binary)) {
    await mkdir(folder, { recursive: true });
    console.log(`Fetching ${name}@${version} into ${folder}`);
    const quiet = ["--no-save", "--no-audit", "--no-fund", "--no-package-lock"];
    // On Windows npm is a command file, which only a shell can start.
    const shell = process.platform === "win32";
    execFileSync("npm", ["install", "--prefix", folder, ...quiet, `${name}@${version}`], {
      stdio: "inherit",
      shell,
    });
  }
  console.log(`Node ${execFileSync(binary, ["--version"], { encoding: "utf8" }).trim()}: ${binary}`);
  return binary;
}
