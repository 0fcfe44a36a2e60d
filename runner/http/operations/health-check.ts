import { ReplyError } from "ioredis";
import { messageOf } from "../../../shared/error-message.ts";
import type { Health } from "../../../shared/health.ts";
import { healthOf } from "../../../shared/health.ts";
import { readStatus, type Status } from "../../../shared/io/streams/status.ts";
import { singleFlight } from "../../engine/single-flight.ts";
import { within } from "../../engine/time-limit.ts";
import type { Services } from "../../setup/services.ts";
import { healthFrom, isReachable } from "../../telemetry/health.ts";

/** What was seen of the router at one moment. */
export interface HealthCheck {
  readonly redisReachable: boolean;
  readonly postgresReachable: boolean;
  /** Undefined when it could not be read from Redis. */
  readonly status: Status | undefined;
  readonly health: Health;
}

type RedisAnswer = { readonly status: Status } | { readonly refusal: string } | "silent";

/** Redis and Postgres have this long to answer. */
const ANSWER_MS_MAX = 2_000;

/**
 * Looks at Redis and Postgres at once, and has an answer after {@link ANSWER_MS_MAX} whatever they do. A question
 * that is still open then is not asked again before it has ended, so that questions do not pile up.
 */
export function healthChecker(
  services: Pick<Services, "redis" | "keys" | "database" | "config" | "logger">,
): () => Promise<HealthCheck> {
  const { redis, keys, database, config, logger } = services;
  const askRedis = singleFlight(async (): Promise<RedisAnswer> => {
    try {
      return { status: await readStatus(redis, keys) };
    } catch (error) {
      logger.debug({ err: error }, "the router's state could not be read from Redis");
      // Of a broken connection the message has the address, which is nobody's business here.
      return error instanceof ReplyError ? { refusal: messageOf(error) } : "silent";
    }
  });
  const askPostgres = singleFlight(() => isReachable(database));

  return async () => {
    const [look, postgresReachable] = await Promise.all([
      within(ANSWER_MS_MAX, askRedis(), () => "silent" as const),
      within(ANSWER_MS_MAX, askPostgres(), () => false),
    ]);
    if (look !== "silent" && "status" in look) {
      const { status } = look;
      const health = healthFrom(status, postgresReachable, config);
      return { redisReachable: true, postgresReachable, status, health };
    }
    const redisReachable = look !== "silent";
    const health: Health =
      look === "silent"
        ? healthOf({ redisReachable, postgresReachable, snapshot: null, groups: [] }, config)
        : { status: "not_ready", reasons: [`Redis refuses to show the router's state: ${look.refusal}`] };
    return { redisReachable, postgresReachable, status: undefined, health };
  };
}
