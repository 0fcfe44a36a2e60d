import { ReplyError, type Redis } from "ioredis";
import { messageOf } from "../../../shared/error-message.ts";
import { healthOf, redisHealthOf, type Health } from "../../../shared/health/health.ts";
import type { RedisHealth } from "../../../shared/health/redis.ts";
import { openForOneQuestion } from "../../../shared/io/redis/connection.ts";
import { readServerStatus } from "../../../shared/io/status/server-status.ts";
import { readStatus, type Status } from "../../../shared/io/status/status.ts";
import { redisRefusalIn, type RedisRefusal } from "../../../shared/redis-refusal.ts";
import { singleFlight } from "../../engine/single-flight.ts";
import { within } from "../../engine/time-limit.ts";
import type { Services } from "../../setup/services.ts";
import { healthFrom, isReachable } from "../../telemetry/health.ts";

type CheckedServices = Pick<Services, "redis" | "keys" | "database" | "config" | "logger">;

/**
 * Checks Redis and Postgres at once, and always answers within {@link ANSWER_MS_MAX}. A check that is still running then is not
 * started again before it has ended, so that checks do not pile up.
 */
export function healthChecker(services: CheckedServices): () => Promise<HealthCheck> {
  const { redis, database, config } = services;
  const checkRedis = singleFlight(async (): Promise<RedisAnswer> => {
    const answer = redis.status === "ready" ? await answerOf(redis, services) : SILENT;
    if (answer !== SILENT) return answer;
    // The router's own connection waits until Redis lets it in, and a replica's is closed now and then.
    const single = openForOneQuestion(redis);
    try {
      return await answerOf(single, services);
    } finally {
      single.disconnect();
    }
  });
  const checkPostgres = singleFlight(() => isReachable(database));

  return async () => {
    const [{ status, redis: server, unreadable }, postgresReachable] = await Promise.all([
      within(ANSWER_MS_MAX, checkRedis(), () => SILENT),
      within(ANSWER_MS_MAX, checkPostgres(), () => false),
    ]);
    const { refusals } = server;
    const redisReachable = server.answers || refusals.length > 0;
    const known = { redisReachable, refusals, postgresReachable, status };
    const intake = redisHealthOf(server);
    if (status !== undefined)
      return { ...known, intake, health: healthFrom(status, postgresReachable, config) };
    if (unreadable === undefined) {
      const nothing = { reference: { version: null, confirmedAgoMs: null }, groups: [] };
      return { ...known, intake, health: healthOf({ ...nothing, redis: server, postgresReachable }, config) };
    }
    const reasons = [`Redis refuses to show the router's state: ${unreadable}`, ...intake.reasons];
    return { ...known, intake, health: { status: "not_ready", reasons } };
  };
}

/** The state of the router at one moment. */
export interface HealthCheck {
  readonly redisReachable: boolean;
  /** What Redis says instead of taking a write, or instead of an answer. */
  readonly refusals: readonly RedisRefusal[];
  readonly postgresReachable: boolean;
  /** Undefined when it could not be read from Redis. */
  readonly status: Status | undefined;
  readonly health: Health;
  /** Whether signals are accepted, whatever becomes of them. */
  readonly intake: Health;
}

const ANSWER_MS_MAX = 2_000;

interface RedisAnswer {
  readonly redis: RedisHealth;
  readonly status?: Status;
  /** Why the status cannot be read although Redis works, such as a key of another type. */
  readonly unreadable?: string;
}

const UNKNOWN_MEMORY = { used: null, max: null };
const SILENT: RedisAnswer = { redis: { answers: false, refusals: [], memory: UNKNOWN_MEMORY } };

async function answerOf(redis: Redis, { keys, logger }: CheckedServices): Promise<RedisAnswer> {
  try {
    const status = await readStatus(redis, keys);
    return { status, redis: { answers: true, ...status.server } };
  } catch (error) {
    logger.debug({ err: error }, "the router's state could not be read from Redis");
    const refusal = redisRefusalIn(error);
    if (refusal !== undefined) return refusedBy(refusal);
    // The message of a broken connection contains the address, which must not be public.
    if (!(error instanceof ReplyError)) return SILENT;
    const server = await readServerStatus(redis, keys).catch(() => undefined);
    return server === undefined
      ? SILENT
      : { redis: { answers: true, ...server }, unreadable: messageOf(error) };
  }
}

function refusedBy(refusal: RedisRefusal): RedisAnswer {
  return { redis: { answers: false, refusals: [refusal], memory: UNKNOWN_MEMORY } };
}
