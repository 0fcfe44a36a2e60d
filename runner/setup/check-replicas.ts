import type { Redis } from "ioredis";
import type { Logger } from "pino";
import type { Config } from "../../shared/config/config.ts";
import { replicasRemark } from "../../shared/config/redis-replicas.ts";
import { readReplicaFacts } from "../../shared/io/redis/replica-facts.ts";
import { MisconfigurationError } from "../environment.ts";

/**
 * Says at the start how many replicas Redis has, where that weakens the router's promise. Too few of them is no reason not to start:
 * it goes on by itself when they are back. @throws MisconfigurationError when nothing can ever be confirmed
 */
export async function checkReplicas(
  redis: Redis,
  { redisReplicasMin }: Pick<Config, "redisReplicasMin">,
  logger: Logger,
): Promise<void> {
  const { kind, message } = replicasRemark(await readReplicaFacts(redis), redisReplicasMin);
  if (kind === "fault") throw new MisconfigurationError(message);
  if (kind === "warning") logger.warn(message);
}
