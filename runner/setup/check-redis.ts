import type { Redis } from "ioredis";
import type { Logger } from "pino";
import type { Config } from "../../shared/config/config.ts";
import { streamsElsewhere } from "../../shared/config/hash-tag.ts";
import { redisRemarks, scriptRemark } from "../../shared/config/redis-requirements.ts";
import type { Remark } from "../../shared/config/remark.ts";
import { isOnCluster } from "../../shared/io/redis/connection.ts";
import { RedisMisconfiguredError } from "../../shared/io/redis/redis-errors.ts";
import { readScriptFacts } from "../../shared/io/redis/script-facts.ts";
import { readRedisFacts } from "../../shared/io/redis/server-facts.ts";
import type { Keys } from "../../shared/keys.ts";
import { MisconfigurationError } from "../environment.ts";

/**
 * Checks version, role, settings and scripts of a Redis; settings that weaken the router's promise are logged as warnings.
 * @throws MisconfigurationError for an unusable server; Error when it does not answer
 */
export async function refuseUnusableRedis(redis: Redis, keys: Keys, logger: Logger): Promise<void> {
  const server = await readRedisFacts(redis).catch(throwMisconfiguration);
  const remarks = redisRemarks(server);
  refuseFaults(remarks);
  // Asked last: an old server does not understand the script.
  refuseFaults([scriptRemark(await readScriptFacts(redis, keys))]);
  for (const { kind, message } of remarks) if (kind === "warning") logger.warn(message);
}

/** On a Cluster, streams in another slot than the router's keys cannot be used. @throws MisconfigurationError */
export async function refuseStreamsElsewhere(
  redis: Redis,
  config: Pick<Config, "keyPrefix" | "outcomeStreams" | "referenceStreams">,
): Promise<void> {
  // The first answer: until then it is not known what the server is.
  await redis.time().catch(throwMisconfiguration);
  const faults = isOnCluster(redis) ? streamsElsewhere(config) : [];
  if (faults.length > 0) throw new MisconfigurationError(faults.join("\n"));
}

function refuseFaults(remarks: readonly Remark[]): void {
  const faults = remarks.filter(({ kind }) => kind === "fault");
  if (faults.length > 0) throw new MisconfigurationError(faults.map(({ message }) => message).join("\n"));
}

/** @throws MisconfigurationError when REDIS_URL, or what belongs to it, has to be corrected, else the error itself */
export function throwMisconfiguration(error: unknown): never {
  throw error instanceof RedisMisconfiguredError ? new MisconfigurationError(error.message) : error;
}
