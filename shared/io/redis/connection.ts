import { Redis, type RedisOptions } from "ioredis";

/**
 * What a connection is for. `commands`: everything that answers at once. `blocking`: reads that wait, one
 * connection each, since nothing else gets through meanwhile. `subscriber`: Pub/Sub.
 */
export type RedisRole = "commands" | "blocking" | "subscriber";

export interface RedisConnectionOptions {
  readonly url: string;
  readonly role: RedisRole;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  /** Longest time a blocking read waits, in ms; only for the role `blocking`. */
  readonly blockMs?: number;
  /** A server that has not answered a command for this long is taken for frozen, and the connection made anew. */
  readonly answerMsMax?: number;
  /** Told of every connection error; the client reconnects by itself. */
  readonly onError: (error: Error) => void;
}

const CONNECT_MS_MAX = 10_000;
/** A blocking read may take this much longer than it was told to wait. */
const BLOCK_GRACE_MS = 3_000;
const RECONNECT_MS_MAX = 2_000;

/**
 * A connection that comes back by itself. Commands are never sent twice by the client (`maxRetriesPerRequest` 0): when
 * the connection breaks they reject, and the caller, who knows whether that is safe, tries again.
 */
export function openRedis({
  url,
  role,
  name,
  blockMs = 0,
  answerMsMax = 10_000,
  onError,
}: RedisConnectionOptions): Redis {
  const options = {
    connectionName: name,
    // Over RESP3 a map arrives flattened from call(), nested from xreadgroup(): one shape is enough.
    protocol: 2,
    maxRetriesPerRequest: 0,
    // ioredis drops the promise of the subscription it repeats by itself, so a connection that breaks before the answer
    // would end the process. Whoever subscribes does it again on every `ready`.
    autoResubscribe: false,
    connectTimeout: CONNECT_MS_MAX,
    // After a failover the old master answers READONLY: go and find the new one.
    reconnectOnError: (error: Error) => error.message.startsWith("READONLY"),
    retryStrategy: (attempt: number) => Math.random() * Math.min(RECONNECT_MS_MAX, 50 * 2 ** attempt),
    ...answerTimeout(role, { blockMs, answerMsMax }),
  } satisfies RedisOptions;
  const redis = new Redis(url, options);
  redis.on("error", onError);
  return redis;
}

/** blockingTimeout would only resolve null and keep the dead connection; a socket timeout makes a new one. */
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
  // One array, which ioredis flattens: a call with more than some 120,000 arguments overflows the stack.
  return async (keys, args) => command.call(redis, [keys.length, ...keys, ...args]) as Promise<unknown>;
}

/** Offset of Redis' clock against this machine's, in ms, sampled with one round trip. */
export async function clockOffset(redis: Redis): Promise<number> {
  const before = Date.now();
  const [seconds, microseconds] = await redis.time();
  const after = Date.now();
  return Math.round(Number(seconds) * 1000 + Number(microseconds) / 1000 - (before + after) / 2);
}
