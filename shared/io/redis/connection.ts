import { Redis, type RedisOptions } from "ioredis";
import { databaseRefusal } from "../../config/redis-database.ts";
import { parseRedisUrl, type RedisTarget } from "../../config/redis-url.ts";
import { followerOf, type Follower } from "./follower.ts";
import { connectorTo } from "./primary-connector.ts";
import { DatabaseNotSelectedError, NoPrimaryError, RedisMisconfiguredError } from "./redis-errors.ts";

/** This room connects to Redis, loads scripts, reads the server's clock and facts, and takes leases. */

/**
 * What a connection is used for. `commands`: everything that answers at once · `blocking`: reads that wait, one connection each,
 * since other commands would wait behind them · `subscriber`: Pub/Sub.
 */
export type RedisRole = "commands" | "blocking" | "subscriber";

export interface RedisConnectionOptions {
  /** As REDIS_URL: one server, several, a Cluster, or Sentinels. */
  readonly url: string;
  /** One of the router's keys: a connection is to the server that owns it. */
  readonly key: string;
  readonly role: RedisRole;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  /** Longest time a blocking read waits, in ms; only for the role `blocking`. */
  readonly blockMs?: number;
  /** When the server has not answered a command for so long, the connection is replaced. */
  readonly answerMsMax?: number;
  /** Longest wait before the next attempt to connect, in ms; default 2 s. */
  readonly reconnectMsMax?: number;
  /** Called on every connection error; the client reconnects by itself. */
  readonly onError: (error: Error) => void;
  /** LEASE_MS: so often the owner of the key is asked for again, and a connection to another server is left. */
  readonly leaseMs?: number;
  /** Set where the refusals of a replica are the answer, such as for one command: default, a new connection finds the new primary. */
  readonly staysOnReplica?: true;
}

const CONNECT_MS_MAX = 10_000;
/** A blocking read may take this much longer than its block time. */
const BLOCK_GRACE_MS = 3_000;
const RECONNECT_MS_MAX = 2_000;

/**
 * A connection that reconnects by itself. The client never sends a command twice (`maxRetriesPerRequest` 0): when the
 * connection breaks, commands reject, and the caller retries where that is safe.
 */
export function openRedis({
  url,
  key,
  role,
  name,
  blockMs = 0,
  answerMsMax = 10_000,
  reconnectMsMax = RECONNECT_MS_MAX,
  leaseMs = 5_000,
  onError,
  staysOnReplica,
}: RedisConnectionOptions): Redis {
  const answer = parseRedisUrl(url);
  if (!answer.ok) throw new RedisMisconfiguredError(`REDIS_URL: expected ${answer.expected}`);
  const { target } = answer;
  const follower = followerOf(target, { key, everyMs: leaseMs });
  const options = {
    ...connectionOf(target),
    Connector: connectorTo(follower),
    connectionName: name,
    // With RESP3 a map arrives flat from call() and nested from xreadgroup(); RESP2 has one form only.
    protocol: 2,
    maxRetriesPerRequest: 0,
    // ioredis does not handle a rejection of the subscription that it repeats by itself, so a connection that breaks before
    // the answer would end the process. Subscribers repeat it on every `ready` instead.
    autoResubscribe: false,
    connectTimeout: CONNECT_MS_MAX,
    reconnectOnError: staysOnReplica === true ? () => false : leavesOtherServer(),
    retryStrategy: (attempt: number) => Math.random() * Math.min(reconnectMsMax, 50 * 2 ** attempt),
    ...answerTimeout(role, { blockMs, answerMsMax }),
  } satisfies RedisOptions;
  const redis = new Redis(options);
  followers.set(redis, follower);
  isReadyWithoutInfo(redis);
  onConnectionError(redis, onError);
  return redis;
}

const followers = new WeakMap<Redis, Follower>();

/** Whether the server that was found last is a node of a Redis Cluster. */
export function isOnCluster(redis: Redis): boolean {
  return followers.get(redis)?.isCluster() === true;
}

function connectionOf({
  seeds,
  tls,
  db,
  username,
  password,
}: RedisTarget): Pick<RedisOptions, "host" | "port" | "db" | "username" | "password" | "tls"> {
  // For messages only: the connector finds where to connect to.
  return {
    ...seeds[0],
    db,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
  };
}

/** Whether the user may run INFO is for the checks to report: ioredis prints it to the console with every connection. */
function isReadyWithoutInfo(redis: Redis): void {
  const info = redis.info.bind(redis) as (...args: unknown[]) => Promise<string>;
  Reflect.set(redis, "info", (...args: unknown[]) => {
    const [callback, ...others] = args;
    // Only ioredis' own check, whether the server has loaded its data, gives a callback.
    if (typeof callback !== "function" || others.length > 0) return info(...args);
    return info((error: Error | null, text?: string) => {
      servers.set(redis, serverIn(text ?? ""));
      return error?.message.startsWith("NOPERM") === true ? callback(null, "") : callback(error, text);
    });
  });
}

/** Names of the server of a connection; undefined where INFO does not say them. */
interface ServerNames {
  /** That of the process, which it gives itself at its start. */
  readonly runId: string | undefined;
  /** That of its history of writes, which another primary does not go on with. */
  readonly replicationId: string | undefined;
}

const servers = new WeakMap<Redis, ServerNames>();

function serverIn(info: string): ServerNames {
  const fieldOf = (name: string): string | undefined => new RegExp(`^${name}:(\\S+)`, "m").exec(info)?.[1];
  return { runId: fieldOf("run_id"), replicationId: fieldOf("master_replid") };
}

/** The name that the server process of this connection has given itself at its start; undefined when INFO did not say it. */
export function runIdOf(redis: Redis): string | undefined {
  return servers.get(redis)?.runId;
}

/** Of the process and its history: a primary that was a replica for a time is not the same, since it may have lost writes. */
export function historyOf(redis: Redis): string | undefined {
  const { runId, replicationId } = servers.get(redis) ?? {};
  return runId === undefined ? undefined : `${runId} ${replicationId ?? ""}`;
}

/**
 * Calls `onError` on every connection error. When SELECT is refused, ioredis only reports it and goes on with database 0; here
 * nothing is sent on such a connection: commands reject with the reason, and the client connects anew.
 */
function onConnectionError(redis: Redis, onError: (error: Error) => void): void {
  let passedOn: Error | undefined;
  redis.on("error", (error: Error) => {
    if (error === passedOn || !(isSelectReply(error) || isWithoutServer(error))) return onError(error);
    passedOn = isSelectReply(error) ? databaseError(redis.options.db ?? 0, error) : error;
    // Emits the error again.
    redis.recoverFromFatalError(error, passedOn, {});
  });
}

/** Why there is no server to connect to, which commands reject with as well. */
export function isWithoutServer(error: unknown): boolean {
  return error instanceof RedisMisconfiguredError || error instanceof NoPrimaryError;
}

function databaseError(database: number, reply: Error): Error {
  const refusal = databaseRefusal(database, reply.message);
  // Any other reply, such as NOAUTH or BUSY, is not about the database.
  return refusal === undefined ? reply : new DatabaseNotSelectedError(refusal);
}

function isSelectReply(error: Error): boolean {
  const { command } = error as { readonly command?: { readonly name?: unknown } };
  return error.name === "ReplyError" && command?.name === "select";
}

/** A server that goes on refusing is left so often at most, since every other command in flight fails with it. */
const LEAVE_EVERY_MS = 2_000;

/** The server is not, or no longer, the primary that owns the router's keys: a new connection finds the one that is. */
const OTHER_SERVER = /^(?:READONLY |MOVED |CLUSTERDOWN |UNBLOCKED (?!the stream ))/;

function leavesOtherServer(): (error: Error) => boolean {
  let leftAt = -Infinity;
  return (error) => {
    if (!OTHER_SERVER.test(error.message) || performance.now() - leftAt < LEAVE_EVERY_MS) return false;
    leftAt = performance.now();
    return true;
  };
}

/**
 * A connection to the same server for one question: it does not wait until the server is ready, so that what it says instead of an
 * answer comes back, and does not reconnect. To be disconnected by the caller.
 */
export function openForOneQuestion(redis: Redis): Redis {
  const single = redis.duplicate({
    enableReadyCheck: false,
    retryStrategy: () => null,
    reconnectOnError: () => false,
  });
  // Its commands reject with what is wrong.
  onConnectionError(single, () => undefined);
  return single;
}

/** ioredis' blockingTimeout only resolves null and keeps the dead connection; a socket timeout replaces it. */
function answerTimeout(
  role: RedisRole,
  { blockMs, answerMsMax }: { blockMs: number; answerMsMax: number },
): Pick<RedisOptions, "socketTimeout"> {
  switch (role) {
    case "commands":
      return { socketTimeout: answerMsMax };
    case "blocking":
      return { socketTimeout: blockMs + BLOCK_GRACE_MS };
    case "subscriber":
      return { socketTimeout: answerMsMax };
  }
}

/** Runs a script with these keys and arguments. */
export type Script = (
  keys: readonly string[],
  args: readonly (string | number | Buffer)[],
) => Promise<unknown>;

/** Makes a Lua script callable on a connection; survives SCRIPT FLUSH. */
export function defineScript(redis: Redis, name: string, lua: string): Script {
  redis.defineCommand(name, { lua });
  const command: unknown = Reflect.get(redis, name);
  if (typeof command !== "function") throw new Error(`script ${name} could not be defined`);
  // One array, which ioredis flattens: more than some 120,000 arguments to one call overflow the stack.
  return async (keys, args) => command.call(redis, [keys.length, ...keys, ...args]) as Promise<unknown>;
}
