import type { Redis } from "ioredis";
import type { Logger } from "pino";
import { remarksOn } from "../../shared/config/redis-requirements.ts";
import { readRedisFacts } from "../../shared/io/redis/server-facts.ts";
import { MisconfigurationError } from "../environment.ts";

/**
 * Looks at what the server is; what weakens the router's promises is logged as a warning.
 * @throws MisconfigurationError for a server that cannot work; Error when it does not answer
 */
export async function refuseUnusableRedis(redis: Redis, logger: Logger): Promise<void> {
  const remarks = remarksOn(await readRedisFacts(redis));
  for (const { kind, message } of remarks) if (kind === "warning") logger.warn(message);
  const faults = remarks.filter(({ kind }) => kind === "fault");
  if (faults.length > 0) throw new MisconfigurationError(faults.map(({ message }) => message).join("\n"));
}
