import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { promisify } from "node:util";
import { findRedisServer } from "../../runner/local/find-redis.ts";
import { serverFolder } from "./folder.ts";
import { freePort, startProcess } from "./process.ts";

/** A new redis-server; by default every write is in the AOF before the reply. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Process id of the running server; it changes with `start`. */
  readonly pid: number;
  /** SIGKILL; the data is kept. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data, after `kill`. */
  start(): Promise<void>;
  /** Lets no file of the server grow beyond what it has now, as on a full disk; needs `canBeFull`. Until `freeDisk`. */
  fillDisk(): Promise<void>;
  freeDisk(): Promise<void>;
  /** Kills it and deletes its data. */
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  /** When the AOF is written; tests that kill the server rely on the default `always`. */
  readonly aof?: "always" | "everysec" | "off";
  /** Whether the AOF is rewritten when it has grown; default true. */
  readonly aofRewrites?: boolean;
  /** Whether its data must be on a disk; default false. */
  readonly onDisk?: boolean;
  /** Whether its disk may be made full, with `aof` at `everysec`: with `always` a write that does not fit ends it. Default false. */
  readonly canBeFull?: boolean;
  /** Further arguments of redis-server. */
  readonly args?: readonly string[];
  /** Added to its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a Redis on a free port with an empty temporary folder. */
export async function startRedis({
  aof = "always",
  aofRewrites = true,
  onDisk = false,
  canBeFull = false,
  args: further = [],
  env = {},
}: RedisServerOptions = {}): Promise<RedisServer> {
  // Installs a server if the machine has none, as `npm start` does.
  const command = await findRedisServer({ env: process.env });
  const port = await freePort();
  const dir = await serverFolder("redis", { onDisk });
  const remove = () => rm(dir, { recursive: true, force: true });
  const args = [
    ["--port", String(port), "--bind", "127.0.0.1", "--dir", dir],
    aof === "off" ? ["--appendonly", "no"] : ["--appendonly", "yes", "--appendfsync", aof],
    aofRewrites ? [] : ["--auto-aof-rewrite-percentage", "0"],
    ["--save", "", "--maxmemory-policy", "noeviction"],
    further,
  ].flat();
  const readyText = "Ready to accept connections";
  // A file that reaches the limit of its size ends a process that does not ignore the signal XFSZ.
  const launch = () =>
    canBeFull
      ? startProcess({
          command: "sh",
          args: ["-c", "trap '' XFSZ; exec \"$@\"", "sh", command, ...args],
          readyText,
          env,
        })
      : startProcess({ command, args, readyText, env });
  const limitFiles = async (bytes: string): Promise<void> => {
    await promisify(execFile)("prlimit", ["--pid", String(server.pid), `--fsize=${bytes}:unlimited`]);
  };
  let server = await launch().catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return server.pid;
    },
    kill: () => server.end("SIGKILL"),
    async start() {
      server = await launch();
    },
    fillDisk: async () => limitFiles("1"),
    freeDisk: async () => limitFiles("unlimited"),
    async stop() {
      // Not SIGTERM: a frozen server would not handle it, and the data is deleted anyway.
      await server.end("SIGKILL");
      await remove();
    },
  };
}
