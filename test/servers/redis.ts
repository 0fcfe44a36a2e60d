import { rm } from "node:fs/promises";
import { findRedisServer } from "../../runner/local/find-redis.ts";
import { serverFolder } from "./folder.ts";
import { freePort, startProcess } from "./process.ts";

/** A redis-server of its own, durable unless told otherwise: every write is in the AOF before it is answered. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Process id of the running server; another one after `start`. */
  readonly pid: number;
  /** SIGKILL; the data stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data, after `kill`. */
  start(): Promise<void>;
  /** Ends it and deletes its data. */
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  /** When the append-only file is written; `always` is what tests that kill it rely on. */
  readonly aof?: "always" | "everysec" | "off";
  /** Whether it is rewritten when it has grown; default true. */
  readonly aofRewrites?: boolean;
  /** Whether its data must be on a disk; default false. */
  readonly onDisk?: boolean;
}

/** Starts a Redis on a free port with an empty temporary folder. */
export async function startRedis({
  aof = "always",
  aofRewrites = true,
  onDisk = false,
}: RedisServerOptions = {}): Promise<RedisServer> {
  // On a machine without one this installs it, as `npm start` does.
  const command = await findRedisServer({ env: process.env });
  const port = await freePort();
  const dir = await serverFolder("redis", { onDisk });
  const remove = () => rm(dir, { recursive: true, force: true });
  const args = [
    ["--port", String(port), "--bind", "127.0.0.1", "--dir", dir],
    aof === "off" ? ["--appendonly", "no"] : ["--appendonly", "yes", "--appendfsync", aof],
    aofRewrites ? [] : ["--auto-aof-rewrite-percentage", "0"],
    ["--save", "", "--maxmemory-policy", "noeviction"],
  ].flat();
  const launch = () => startProcess({ command, args, readyText: "Ready to accept connections" });
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
    async stop() {
      // Not SIGTERM: a paused server would never see it, and nothing of the data is kept.
      await server.end("SIGKILL");
      await remove();
    },
  };
}
