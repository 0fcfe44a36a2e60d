import { isIP } from "node:net";
import { Redis, type RedisOptions } from "ioredis";
import type { RedisAddress } from "../../config/redis-url.ts";
import type { ServerAnswer } from "./choose-primary.ts";

/** Asks one server, on a connection of its own, what it is and who owns a key of the router. */
export async function askServer(
  server: Server,
  login: Login,
  { key, signal }: { readonly key: string; readonly signal: AbortSignal },
): Promise<ServerAnswer> {
  const [hello, exists, info] = await withServer(server, login, signal, async (redis) =>
    Promise.all([
      answerOf(redis.call("HELLO")),
      answerOf(redis.exists(key)),
      answerOf(redis.call("INFO", "server")),
    ]),
  );
  const said = fieldsOfHello(hello);
  const about = { address: server, runId: /^run_id:(\S+)/m.exec(String(info))?.[1], ...said };
  if (!(exists instanceof Error)) return about;
  const [, code = "", rest = ""] =
    /^(MOVED|CLUSTERDOWN|ASK|TRYAGAIN|NOPERM) (.*)/s.exec(exists.message) ?? [];
  switch (code) {
    case "MOVED":
      return { ...about, mode: "cluster", owner: addressIn(rest, server) };
    case "CLUSTERDOWN":
      return { ...about, mode: "cluster", refused: exists };
    // Until the move of the slot has ended, this server owns it.
    case "ASK":
    case "TRYAGAIN":
      return { ...about, mode: "cluster" };
    // What its user may not do is for the checks to report, but no node of a Cluster says then who has the keys.
    case "NOPERM":
      return about.mode === "cluster" ? { ...about, refused: exists } : about;
    default:
      return { ...about, refused: exists };
  }
}

/** A server, and the name that its certificate has to show. */
export interface Server extends RedisAddress {
  readonly servername: string | undefined;
}

export type Login = Pick<RedisOptions, "username" | "password" | "family"> & { readonly tls: boolean };

/** @throws Error when it cannot be reached; the replies to commands are for `ask` to look at */
export async function withServer<T>(
  { host, port, servername }: Server,
  { tls, ...login }: Login,
  signal: AbortSignal,
  ask: (redis: Redis) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const redis = new Redis({
    host,
    port,
    ...login,
    ...(tls ? { tls: servername === undefined ? {} : { servername } } : {}),
    protocol: 2,
    connectionName: "router:look-up",
    disableClientInfo: true,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  const broken = new Promise<never>((_, reject) => {
    redis.on("error", reject);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  try {
    return await Promise.race([ask(redis), broken]);
  } finally {
    redis.disconnect();
  }
}

/** The reply, or the error reply. @throws any other error */
export async function answerOf(command: Promise<unknown>): Promise<unknown> {
  return command.catch((error: unknown) => {
    if (error instanceof Error && error.name === "ReplyError") return error;
    throw error;
  });
}

/** `["mode", "cluster", "role", "master", …]` */
function fieldsOfHello(reply: unknown): Pick<ServerAnswer, "mode" | "role"> {
  const flat = Array.isArray(reply) ? reply : [];
  const valueOf = (name: string): string | undefined => {
    const value: unknown = flat[flat.indexOf(name) + 1];
    return flat.includes(name) && typeof value === "string" ? value : undefined;
  };
  return { mode: valueOf("mode"), role: valueOf("role") };
}

/** `<slot> <host>:<port>`; an empty host is that of the server that answers. @throws Error when the host is not announced */
function addressIn(moved: string, from: RedisAddress): RedisAddress {
  const [, host = "", port] = /^\d+ (.*):(\d+)$/.exec(moved.trim()) ?? [];
  if (port === undefined || host === "?")
    throw new Error(
      "the Cluster does not announce where its nodes are: set cluster-announce-hostname on each, or cluster-preferred-endpoint-type ip",
    );
  return { host: host === "" ? from.host : host, port: Number(port) };
}

/** The name in the certificate of a server: of the address that was announced, else of the one that announced it. */
export function serverAt({ host, port }: RedisAddress, announcedBy?: Server): Server {
  return { host, port, servername: isIP(host) === 0 ? host : announcedBy?.servername };
}
