import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import type { ProbeName, ProbeResult } from "../../config/redis-probes.ts";
import { messageOf } from "../../error-message.ts";
import type { Keys } from "../../keys.ts";
import { askReplicas, type ReplicasAsked } from "./confirm.ts";

/**
 * Tries what the router needs of a Redis-like server and servers differ in, each on a key of its own under KEY_PREFIX that is removed
 * afterwards. The connection must be the caller's alone, since one probe is a transaction. @throws Error when it does not answer
 */
export async function probeServer(
  redis: Redis,
  keys: Keys,
  replicas: ReplicasAsked,
): Promise<readonly ProbeResult[]> {
  const results: ProbeResult[] = [];
  for (const [name, probe] of PROBES) {
    const key = `${keys.prefix}check:${randomUUID()}`;
    try {
      results.push({ name, found: await probe(redis, { key, replicas }) });
    } catch (error) {
      // Without an answer nothing is known about the server.
      if (!(error instanceof Error) || error.name !== "ReplyError") throw error;
      results.push({ name, found: messageOf(error) });
    } finally {
      await redis.del(key).catch(() => undefined);
    }
  }
  return results;
}

interface ProbeOptions {
  readonly key: string;
  readonly replicas: ReplicasAsked;
}

/** What was found instead of what is needed; undefined when it works. @throws Error that Redis answers */
type Probe = (redis: Redis, options: ProbeOptions) => Promise<string | undefined>;

/** After this time a key goes by itself, in ms, should the check be ended in the middle. */
const KEPT_MS = 60_000;

/** KEYS 1 a stream. Adds an entry after it has asked the time, and returns whether what was added is read. */
const SCRIPT = `#!lua flags=allow-oom
local key = KEYS[1]
redis.call('TIME')
redis.call('XADD', key, '*', 'f', cmsgpack.unpack(cmsgpack.pack('packed')))
redis.call('PEXPIRE', key, ${KEPT_MS})
return redis.call('XRANGE', key, '-', '+')[1][2][2]
`;

/** KEYS 1 a stream. Returns the ids that are delivered to the consumer c. */
const READ_SCRIPT = `#!lua flags=allow-oom
local reply = redis.call('XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', 10, 'STREAMS', KEYS[1], '>')
local ids = {}
for _, entry in ipairs(reply and reply[1][2] or {}) do ids[#ids + 1] = entry[1] end
return ids
`;

const PROBES: ReadonlyMap<ProbeName, Probe> = new Map<ProbeName, Probe>([
  ["hello", async (redis) => helloFault(await redis.call("HELLO"))],
  ["scripts", async (redis, { key }) => unless(await redis.eval(SCRIPT, 1, key), "packed")],
  [
    "read_in_script",
    async (redis, { key }) => {
      const id = await streamWith(redis, key);
      const read = await redis.eval(READ_SCRIPT, 1, key);
      return unless(read, [id]) ?? unless(await redis.eval(READ_SCRIPT, 1, key), []);
    },
  ],
  [
    "read_in_transaction",
    async (redis, { key }) => {
      const id = await streamWith(redis, key);
      const read = ["XREADGROUP", "GROUP", "g", "c", "STREAMS", key, ">"] as const;
      // The key that is watched changes, so nothing may be read.
      const refused = await transaction(redis, { key, between: ["PEXPIRE", key, KEPT_MS], read });
      const taken = await transaction(redis, { key, read });
      return unless(refused, null) ?? unless(JSON.stringify(taken).includes(id), true);
    },
  ],
  [
    "counts",
    async (redis, { key }) => {
      const id = await streamWith(redis, key);
      const count = async (): Promise<unknown> => {
        const [entry] = (await redis.xpending(key, "g", "-", "+", 1)) as unknown[][];
        return entry?.[3];
      };
      await redis.xreadgroup("GROUP", "g", "c", "STREAMS", key, ">");
      await redis.xclaim(key, "g", "d", 0, id, "JUSTID");
      await redis.xautoclaim(key, "g", "e", 0, "0", "JUSTID");
      const kept = await count();
      await redis.xclaim(key, "g", "c", 0, id, "RETRYCOUNT", 0, "JUSTID");
      const set = await count();
      await redis.xclaim(key, "g", "d", 0, id);
      return unless([kept, set, await count()], [1, 0, 1]);
    },
  ],
  [
    "acknowledged_once",
    async (redis, { key }) => {
      const id = await streamWith(redis, key);
      await redis.xreadgroup("GROUP", "g", "c", "STREAMS", key, ">");
      return unless([await redis.xack(key, "g", id), await redis.xack(key, "g", id)], [1, 0]);
    },
  ],
  [
    "replicas",
    async (redis, { key, replicas }) => {
      if (replicas.replicasMin === 0) return undefined;
      await redis.set(key, "written", "PX", KEPT_MS);
      return (await askReplicas(redis, replicas))?.message;
    },
  ],
]);

/** A stream with one entry and the group g; returns the entry's id. */
async function streamWith(redis: Redis, key: string): Promise<string> {
  const id = String(await redis.xadd(key, "*", "f", "v"));
  await redis.pexpire(key, KEPT_MS);
  await redis.xgroup("CREATE", key, "g", "0");
  return id;
}

interface Transaction {
  readonly key: string;
  readonly between?: readonly [string, string, number];
  readonly read: readonly [string, ...string[]];
}

/** Reads in a transaction that watches the key; null when it was refused. */
async function transaction(redis: Redis, { key, between, read }: Transaction): Promise<unknown> {
  await redis.call("WATCH", key);
  if (between !== undefined) await redis.call(...between);
  await redis.call("MULTI");
  const [command, ...args] = read;
  await redis.call(command, ...args);
  return redis.call("EXEC");
}

function helloFault(reply: unknown): string | undefined {
  const fields = Array.isArray(reply) ? reply.map(String) : [];
  const missing = ["mode", "role"].filter((name) => !fields.includes(name));
  return missing.length === 0 ? undefined : `it does not say its ${missing.join(" and ")}`;
}

function unless(found: unknown, expected: unknown): string | undefined {
  const [is, should] = [JSON.stringify(found), JSON.stringify(expected)];
  return is === should ? undefined : `it gave ${is} instead of ${should}`;
}
