import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { untilReady } from "./redis-probe.ts";

interface Launch {
  /** Path of redis-server or valkey-server. */
  readonly program: string;
  readonly dir: string;
  readonly port: number;
}

export type Launched =
  | { readonly status: "ready"; readonly pid: number; readonly ended: Promise<string> }
  /** It ended before it answered: exit code, signal or what kept it from starting. */
  | { readonly status: "ended"; readonly how: string };

const LOG = "redis.log";

/** Starts a durable server on loopback with its data and log in `dir`; resolves when it has loaded its data, or ended. */
export async function launchRedis({ program, dir, port }: Launch): Promise<Launched> {
  const args = [
    ["--port", String(port), "--bind", "127.0.0.1", "--protected-mode", "yes", "--daemonize", "no"],
    ["--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction"],
    // Relative to cwd, so that no character of the path can be taken for syntax.
    ["--dir", ".", "--logfile", LOG],
  ].flat();
  // In a process group of its own: Ctrl-C is for the router, which still needs Redis to finish.
  const child = spawn(program, args, { cwd: dir, detached: true, stdio: "ignore" });
  child.unref();
  const abandon = (): void => void child.kill("SIGTERM");
  process.once("exit", abandon);
  const ended = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    child.once("error", (error) => resolve(error.message));
  });

  const waiting = new AbortController();
  const ready = untilReady(port, waiting.signal).then((pid) => ({ pid }));
  const first = await Promise.race([ready, ended]);
  waiting.abort();
  process.off("exit", abandon);
  if (typeof first === "string") return { status: "ended", how: first };
  // Another server was quicker to take the port: ours cannot have it and ends by itself.
  if (first.pid !== child.pid) return { status: "ended", how: await ended };
  return { status: "ready", pid: first.pid, ended };
}

/** The last lines of the server's log, "" when there is none. */
export async function logTail(dir: string): Promise<string> {
  const text = await readFile(join(dir, LOG), "utf8").catch(() => "");
  return text.trimEnd().split("\n").slice(-5).join("\n");
}
