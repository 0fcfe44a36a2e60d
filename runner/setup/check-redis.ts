import type { Redis } from "ioredis";
import type { Logger } from "pino";
import { remarksOn } from "../../shared/config/redis-requirements.ts";
import { DatabaseNotSelectedError } from "../../shared/io/redis/connection.ts";
import { readRedisFacts } from "../../shared/io/redis/server-facts.ts";
import { MisconfigurationError } from "../environment.ts";

/**
 * Checks version, role and settings of a Redis; settings that weaken the router's promise are logged as warnings.
 * @throws MisconfigurationError for an unusable server; Error when it does not answer
 */
export async function refuseUnusableRedis(redis: Redis, logger: Logger): Promise<void> {
  const remarks = remarksOn(await readRedisFacts(redis).catch(throwMisconfiguration));
  for (const { kind, message } of remarks) if (kind === "warning") logger.warn(message);
  const faults = remarks.filter(({ kind }) => kind === "fault");
  if (faults.length > 0) throw new MisconfigurationError(faults.map(({ message }) => message).join("\n"));
}

/** @throws MisconfigurationError when the database of REDIS_URL cannot be selected, else the error itself */
export function throwMisconfiguration(error: unknown): never {
  throw error instanceof DatabaseNotSelectedError ? new MisconfigurationError(error.message) : error;
}
