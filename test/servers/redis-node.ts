import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { startRedis } from "./redis.ts";

/** A Redis that is one of several which replicate each other, and a connection for what is done to it. */
export interface RedisNode {
  readonly url: string;
  readonly port: number;
  /** It goes to this server alone, whatever its role, and comes back when the server does. */
  readonly redis: Redis;
  /** SIGKILL. Nothing is kept: what it had, its replicas have. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** SIGSTOP: it answers nothing, and its connections stay open. */
  freeze(): void;
  wake(): void;
  stop(): Promise<void>;
}

/** Replicas attach without the delays that are meant for large data. */
const AT_ONCE = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"];

/** Starts a server as one of several, without a file of its data. */
export async function startNode(args: readonly string[] = []): Promise<RedisNode> {
  const server = await startRedis({ aof: "off", args: [...AT_ONCE, ...args] });
  const redis = new Redis(server.url, { maxRetriesPerRequest: 0, retryStrategy: () => 50 });
  // It goes on trying while the server is stopped.
  redis.on("error", () => undefined);
  return {
    url: server.url,
    port: server.port,
    redis,
    kill: async () => server.kill(),
    start: async () => server.start(),
    freeze: () => void process.kill(server.pid, "SIGSTOP"),
    wake: () => void process.kill(server.pid, "SIGCONT"),
    async stop() {
      redis.disconnect();
      await server.stop();
    },
  };
}

/** A field of INFO; "" when it is not there. */
export async function infoOf(redis: Redis, section: string, field: string): Promise<string> {
  const text = await redis.info(section);
  return new RegExp(`^${field}:(.*)$`, "m").exec(text)?.[1]?.trim() ?? "";
}

const HOLDS_MS_MAX = 60_000;

/** Resolves once the condition holds; a server that does not answer yet is asked again. @throws Error after a minute */
export async function untilHolds(what: string, holds: () => Promise<boolean>): Promise<void> {
  let last: unknown;
  for (const startedAt = performance.now(); performance.now() - startedAt < HOLDS_MS_MAX;) {
    try {
      if (await holds()) return;
    } catch (error) {
      last = error;
    }
    await pause(20);
  }
  throw new Error(`after a minute it is still not so: ${what}`, { cause: last });
}
