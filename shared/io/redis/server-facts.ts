import type { Redis } from "ioredis";
import type { RedisFacts } from "../../config/redis-requirements.ts";
import { redisRefusalIn, type RedisRefusal } from "../../redis-refusal.ts";
import { defineScript, type Script } from "./connection.ts";

/** Reads what INFO says about the server; nothing when the user may not run INFO. @throws Error when it does not answer */
export async function readRedisFacts(redis: Redis): Promise<RedisFacts> {
  const answer = await redis.info().catch(nothingIfDenied);
  const info = parseInfo(answer ?? "");
  const aof = info.get("aof_enabled");
  return {
    infoDenied: answer === undefined,
    version: info.get("valkey_version") ?? info.get("redis_version"),
    valkey: info.has("valkey_version"),
    role: info.get("role"),
    aofEnabled: aof === undefined ? undefined : aof === "1",
    maxMemoryPolicy: info.get("maxmemory_policy"),
    memory: { used: bytesOf(info.get("used_memory")), max: bytesOf(info.get("maxmemory")) },
  };
}

function nothingIfDenied(error: unknown): undefined {
  if (error instanceof Error && error.message.startsWith("NOPERM")) return undefined;
  throw error;
}

/** The memory of the server in bytes; null where INFO hides it, as on some managed servers. */
export interface RedisMemory {
  readonly used: number | null;
  /** 0: without a limit. */
  readonly max: number | null;
}

export async function readRedisMemory(redis: Redis): Promise<RedisMemory> {
  try {
    const info = parseInfo(await redis.info("memory"));
    return { used: bytesOf(info.get("used_memory")), max: bytesOf(info.get("maxmemory")) };
  } catch (error) {
    // The user may not be permitted INFO.
    if (redisRefusalIn(error)?.code === "NOPERM") return { used: null, max: null };
    throw error;
  }
}

/**
 * Why Redis refuses writes now; empty when it takes them. `key` is one of the router's, so that a proxy knows whom to ask. Two
 * answers at most: a full Redis still takes what frees memory, unless something else keeps it from that.
 */
export async function readWriteRefusals(redis: Redis, key: string): Promise<readonly RedisRefusal[]> {
  const probes = [
    defineScript(redis, "probeWrites", WRITE_PROBE),
    defineScript(redis, "probeWritesWhenFull", WRITE_PROBE_WHEN_FULL),
  ];
  const [any, whenFull] = await Promise.all(probes.map(async (probe) => refusalOf(probe, key)));
  if (any === undefined) return [];
  return whenFull === undefined || whenFull.code === any.code ? [any] : [any, whenFull];
}

/** They write nothing, but Redis refuses a script that might write as it would refuse the write. */
const WRITE_PROBE = `#!lua
return 1
`;
const WRITE_PROBE_WHEN_FULL = `#!lua flags=allow-oom
return 1
`;

async function refusalOf(probe: Script, key: string): Promise<RedisRefusal | undefined> {
  try {
    await probe([key], []);
    return undefined;
  } catch (error) {
    const refusal = redisRefusalIn(error);
    if (refusal === undefined) throw error;
    return refusal;
  }
}

function bytesOf(text: string | undefined): number | null {
  return text === undefined || !/^\d+$/.test(text) ? null : Number(text);
}

function parseInfo(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0 && !line.startsWith("#")) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}
