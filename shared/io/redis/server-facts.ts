import type { Redis } from "ioredis";
import type { RedisFacts } from "../../config/redis-requirements.ts";

/** Reads what INFO says about the server; nothing when the user may not run INFO. @throws Error when it does not answer */
export async function readRedisFacts(redis: Redis): Promise<RedisFacts> {
  const info = parseInfo(await redis.info().catch(nothingIfDenied));
  const aof = info.get("aof_enabled");
  return {
    version: info.get("valkey_version") ?? info.get("redis_version"),
    valkey: info.has("valkey_version"),
    role: info.get("role"),
    aofEnabled: aof === undefined ? undefined : aof === "1",
    maxMemoryPolicy: info.get("maxmemory_policy"),
    memory: { used: bytesOf(info.get("used_memory")), max: bytesOf(info.get("maxmemory")) },
  };
}

function nothingIfDenied(error: unknown): string {
  if (error instanceof Error && error.message.startsWith("NOPERM")) return "";
  throw error;
}

function bytesOf(text: string | undefined): number | undefined {
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

function parseInfo(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0 && !line.startsWith("#")) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}
