import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { delimiter, dirname, join, resolve } from "node:path";
import { PACE_VARIABLE, type Pace } from "./pace.ts";

interface TestRun {
  readonly pace: Pace;
  /** Paths, or parts of them; all when there are none. */
  readonly files?: readonly string[];
  /** Path of the Node that runs them; default this one. */
  readonly node?: string;
}

const ROOT = resolve(import.meta.dirname, "../..");
const VITEST = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");

/** Runs vitest and resolves with whether all was green. */
export async function runTests({ pace, files = [], node = process.execPath }: TestRun): Promise<boolean> {
  const child = spawn(node, [VITEST, "run", "--config", "test/vitest.config.ts", ...files], {
    cwd: ROOT,
    stdio: "inherit",
    // Tests start `npm` too, which takes the first Node on PATH.
    env: {
      ...process.env,
      [PACE_VARIABLE]: pace,
      PATH: `${dirname(node)}${delimiter}${process.env["PATH"] ?? ""}`,
    },
  });
  const [code] = (await once(child, "exit")) as [number | null];
  return code === 0;
}
