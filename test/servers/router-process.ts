import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as z from "zod";
import { startFile } from "./built-scripts.ts";

/** A router in a process of its own, as users run it. */
export interface RouterProcess {
  readonly pid: number;
  /** Its output so far. */
  output(): string;
  signal(signal: NodeJS.Signals): void;
  /** Waits until it has exited; the exit code, or the name of the signal that ended it. */
  ended(): Promise<number | NodeJS.Signals>;
}

const ROOT = resolve(import.meta.dirname, "../..");

/** The options that `npm start` gives to node. */
export const NODE_OPTIONS: readonly string[] = startOptions();
const TSX = new Set(["--import", "tsx"]);

function startOptions(): readonly string[] {
  const manifest = z.object({ scripts: z.object({ start: z.string() }) });
  const { scripts } = manifest.parse(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")));
  const [, options] = /^exec node (.+) runner\/main\.ts$/.exec(scripts.start) ?? [];
  if (options === undefined) {
    throw new Error(`package.json: expected "exec node … runner/main.ts" to start, found "${scripts.start}"`);
  }
  return options.split(" ");
}

/** What node is given to run a script, by its path in the repository, as `npm start` runs its own. */
export function nodeArgs(script: string): readonly string[] {
  const { path, loader } = startFile(script);
  return [...NODE_OPTIONS.filter((option) => !TSX.has(option)), ...loader, path];
}

/** Runs a script with nothing in its environment but PATH, HOME and what is given. */
export function startScript(
  script: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): RouterProcess {
  return startCommand(process.execPath, [...nodeArgs(script), ...args], env);
}

/** Runs a command in the repository, with the same environment. */
export function startCommand(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): RouterProcess {
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const collect = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const killAtExit = (): void => void child.kill("SIGKILL");
  process.once("exit", killAtExit);
  const ended = endOf(child).finally(() => process.off("exit", killAtExit));
  return {
    pid: child.pid ?? 0,
    output: () => output,
    signal: (signal) => void child.kill(signal),
    ended: async () => ended,
  };
}

/** Starts a router and resolves when it is ready. @throws Error with its output when it exits before that */
export async function startRouterProcess(env: Readonly<Record<string, string>>): Promise<RouterProcess> {
  return untilItRuns(startScript("runner/main.ts", env));
}

/** The first is what earlier versions print. */
const READY = /Its decision appears here|The router is running/;

/** Resolves with the router when it prints that it is ready. @throws Error with its output when it exits before that */
export async function untilItRuns(router: RouterProcess): Promise<RouterProcess> {
  let hasExited = false;
  const ended = router.ended().then(() => {
    hasExited = true;
  });
  while (!READY.test(router.output())) {
    if (hasExited) throw new Error(`the router exited before it was ready:\n${router.output()}`);
    await Promise.race([ended, new Promise((done) => setTimeout(done, 20))]);
  }
  return router;
}

async function endOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return code ?? signal ?? "SIGKILL";
}
