import { ReplyError } from "ioredis";
import { messageOf } from "../../../shared/error-message.ts";
import { healthOf, WITHOUT_REDIS, type Health } from "../../../shared/health/health.ts";
import { statusReaderOn, type Status } from "../../../shared/io/status/status.ts";
import { singleFlight } from "../../engine/single-flight.ts";
import { within } from "../../engine/time-limit.ts";
import type { Services } from "../../setup/services.ts";
import { healthFrom, isReachable } from "../../telemetry/health.ts";

/**
 * Checks Redis and Postgres at once, and always answers within {@link ANSWER_MS_MAX}. A check that is still running then is not
 * started again before it has ended, so that checks do not pile up.
 */
export function healthChecker(
  services: Pick<Services, "redis" | "keys" | "database" | "config" | "logger">,
): () => Promise<HealthCheck> {
  const { redis, keys, database, config, logger } = services;
  const readStatus = statusReaderOn(redis, keys);
  const checkRedis = singleFlight(async (): Promise<RedisAnswer> => {
    try {
      return { status: await readStatus() };
    } catch (error) {
      logger.debug({ err: error }, "the router's state could not be read from Redis");
      // The message of a broken connection contains the address, which must not be public.
      return error instanceof ReplyError ? { refusal: messageOf(error) } : "silent";
    }
  });
  const checkPostgres = singleFlight(() => isReachable(database));

  return async () => {
    const [answer, postgresReachable] = await Promise.all([
      within(ANSWER_MS_MAX, checkRedis(), () => "silent" as const),
      within(ANSWER_MS_MAX, checkPostgres(), () => false),
    ]);
    if (answer !== "silent" && "status" in answer) {
      const { status } = answer;
      const health = healthFrom(status, postgresReachable, config);
      return { redisReachable: true, postgresReachable, status, health };
    }
    const redisReachable = answer !== "silent";
    const health: Health =
      answer === "silent"
        ? healthOf({ ...WITHOUT_REDIS, postgresReachable }, config)
        : { status: "not_ready", reasons: [`Redis refuses to show the router's state: ${answer.refusal}`] };
    return { redisReachable, postgresReachable, status: undefined, health };
  };
}

/** The state of the router at one moment. */
export interface HealthCheck {
  readonly redisReachable: boolean;
  readonly postgresReachable: boolean;
  /** Undefined when it could not be read from Redis. */
  readonly status: Status | undefined;
  readonly health: Health;
}

type RedisAnswer = { readonly status: Status } | { readonly refusal: string } | "silent";

const ANSWER_MS_MAX = 2_000;
