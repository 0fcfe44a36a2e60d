import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { untilReady } from "./redis-probe.ts";

/** Starts a durable server on loopback with data and log in `dir`; resolves when it is ready, or has ended. */
export async function launchRedis({ program, dir, port }: Launch): Promise<Launched> {
  const args = [
    ["--port", String(port), "--bind", "127.0.0.1", "--protected-mode", "yes", "--daemonize", "no"],
    ["--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction"],
    // Relative to cwd, so that no character of the path is read as syntax.
    ["--dir", ".", "--logfile", LOG],
  ].flat();
  // In its own process group: Ctrl-C is for the router, which needs Redis to finish.
  // Its files are for this user only. The shell sets that for Redis alone, and has its process id.
  const closed = ["-c", 'umask 077; exec "$0" "$@"', program, ...args];
  const child = spawn("sh", closed, { cwd: dir, detached: true, stdio: "ignore" });
  child.unref();
  const endAtExit = (): void => void child.kill("SIGTERM");
  process.once("exit", endAtExit);
  const ended = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    child.once("error", (error) => resolve(error.message));
  });

  const waiting = new AbortController();
  const ready = untilReady(port, waiting.signal).then((pid) => ({ pid }));
  const first = await Promise.race([ready, ended]);
  waiting.abort();
  process.off("exit", endAtExit);
  if (typeof first === "string") return { status: "ended", how: first };
  // Another server has taken the port first: ours ends by itself.
  if (first.pid !== child.pid) return { status: "ended", how: await ended };
  return { status: "ready", pid: first.pid, ended };
}

const LOG = "redis.log";

interface Launch {
  /** Path of redis-server or valkey-server. */
  readonly program: string;
  readonly dir: string;
  readonly port: number;
}

export type Launched =
  | { readonly status: "ready"; readonly pid: number; readonly ended: Promise<string> }
  /** It ended before it answered: the exit code, the signal or the error of the start. */
  | { readonly status: "ended"; readonly how: string };

/** The last lines of the server's log; "" without a log. */
export async function logTail(dir: string): Promise<string> {
  const text = await readFile(join(dir, LOG), "utf8").catch(() => "");
  return text.trimEnd().split("\n").slice(-5).join("\n");
}

/** What ends the trouble that the log speaks of, as a sentence; "" for any other. */
export function endAdvice(dir: string, tail: string): string {
  const advice = ADVICE.find(([pattern]) => pattern.test(tail))?.[1];
  return advice === undefined ? "" : `${advice(dir)}. `;
}

const ADVICE: readonly (readonly [pattern: RegExp, advice: (dir: string) => string])[] = [
  [
    /bad file format|unexpected end of file|redis-check-aof|corrupt/i,
    (dir) =>
      `Its append-only file in '${dir}' is damaged: copy that folder, then run redis-check-aof --fix on the file that the log names (the end of it is lost), or put back a backup`,
  ],
  [
    /no space left/i,
    (dir) => `Its disk is full: free some space (df -h '${dir}' shows it), then start again`,
  ],
  [
    /read-only file system/i,
    (dir) => `'${dir}' is on a read-only file system: make it writable, or set REDIS_URL`,
  ],
  [
    /permission denied/i,
    (dir) => `Files in '${dir}' may not be used by this user: ls -lR '${dir}' shows whose they are`,
  ],
];
