import { realpath } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { Redis } from "ioredis";

/** Finds out what listens on a port of this machine. */

export type Probe =
  /** A Redis with its data in the given folder. */
  | { readonly status: "ours"; readonly pid: number }
  | { readonly status: "other" }
  /** Accepts connections but does not answer: a frozen server, or not a Redis. */
  | { readonly status: "silent" }
  | { readonly status: "closed" };

const HOST = "127.0.0.1";
const ANSWER_MS_MAX = 3000;

/** Whether the port belongs to the Redis with its data in `dir`; waits at most 3 s for an answer. */
export async function probe(port: number, dir: string): Promise<Probe> {
  if (!(await isListening(port))) return { status: "closed" };
  const redis = new Redis({
    host: HOST,
    port,
    protocol: 2,
    lazyConnect: true,
    // CONFIG and INFO answer while the data is being loaded; a ready check would wait.
    enableReadyCheck: false,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    socketTimeout: ANSWER_MS_MAX,
  });
  let failure = "";
  redis.on("error", (error) => {
    failure ||= error.message;
  });
  try {
    await redis.connect();
    const [, folder] = await redis.config("GET", "dir");
    if (folder !== (await realpath(dir))) return { status: "other" };
    const info = await redis.info("server");
    return { status: "ours", pid: Number(/^process_id:(\d+)/m.exec(info)?.[1]) };
  } catch (error) {
    failure ||= String(error);
    // BUSY: a script has been running for too long.
    return { status: /timeout|timed out|BUSY/i.test(failure) ? "silent" : "other" };
  } finally {
    redis.disconnect();
  }
}

/** Resolves with the process id when the Redis on the port has loaded its data; waits until `signal` aborts. */
export async function untilReady(port: number, signal: AbortSignal): Promise<number> {
  const redis = new Redis({
    host: HOST,
    port,
    protocol: 2,
    maxRetriesPerRequest: null,
    retryStrategy: () => 20,
    maxLoadingRetryTime: 200,
  });
  // Connections are refused until the server listens.
  redis.on("error", () => undefined);
  const disconnect = () => redis.disconnect();
  signal.addEventListener("abort", disconnect);
  try {
    const info = await redis.info("server");
    await redis.ping();
    return Number(/^process_id:(\d+)/m.exec(info)?.[1]);
  } finally {
    signal.removeEventListener("abort", disconnect);
    redis.disconnect();
  }
}

/** Whether a process accepts connections there; a zombie does not. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code !== "ECONNREFUSED");
    });
  });
}

/** The port if it is free (0: any free port), else undefined. */
export function freePort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen({ host: HOST, port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? address?.port : undefined));
    });
  });
}
