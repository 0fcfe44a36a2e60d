import { ReplyError, type Redis } from "ioredis";
import { messageOf } from "../../../shared/error-message.ts";
import { healthOf, redisHealthOf, WITHOUT_REDIS, type Health } from "../../../shared/health/health.ts";
import type { RedisHealth } from "../../../shared/health/redis.ts";
import type { ReplicasHealth } from "../../../shared/health/replicas.ts";
import { isWithoutServer, openForOneQuestion } from "../../../shared/io/redis/connection.ts";
import { readReplicasHealth } from "../../../shared/io/status/replicas-status.ts";
import { readServerStatus } from "../../../shared/io/status/server-status.ts";
import { readStatus, statusReaderOn, type Status } from "../../../shared/io/status/status.ts";
import { redisRefusalIn, type RedisRefusal } from "../../../shared/redis-refusal.ts";
import { shadowRefusal, TAKES_NO_SIGNALS } from "../../engine/shadow-refused.ts";
import { singleFlight } from "../../engine/single-flight.ts";
import { within } from "../../engine/time-limit.ts";
import type { Services } from "../../setup/services.ts";
import { healthFrom, postgresHealth } from "../../telemetry/health.ts";

type CheckedServices = Pick<Services, "redis" | "keys" | "database" | "config" | "logger" | "confirm">;

/**
 * Checks Redis and Postgres at once, and always answers within {@link ANSWER_MS_MAX}. A check that is still running then is not
 * started again before it has ended, so that checks do not pile up.
 */
export function healthChecker(services: CheckedServices): () => Promise<HealthCheck> {
  const { database, config } = services;
  const stateFrom = stateReaderOf(services);
  const checkRedis = singleFlight(async () => askRedis(services, stateFrom));
  const checkReplicas = replicasChecker(services);
  const checkPostgres = singleFlight(() => postgresHealth(database, config));

  return async () => {
    const [{ status, redis: server, unreadable }, replicas, postgres] = await Promise.all([
      within(ANSWER_MS_MAX, checkRedis(), () => SILENT),
      checkReplicas(),
      within(ANSWER_MS_MAX, checkPostgres(), () => ({ postgresReachable: false })),
    ]);
    const { refusals } = server;
    const redisReachable = server.answers || refusals.length > 0;
    const known = { redisReachable, refusals, postgresReachable: postgres.postgresReachable, status };
    if (status !== undefined)
      return { ...known, health: healthFrom(status, { ...postgres, replicas }, config) };
    if (unreadable === undefined) {
      return { ...known, health: healthOf({ ...WITHOUT_REDIS, redis: server, ...postgres }, config) };
    }
    const { reasons } = redisHealthOf(server, replicas);
    const why = `Redis refuses to show the router's state: ${unreadable}`;
    return { ...known, health: { status: "not_ready", reasons: [why, ...reasons] } };
  };
}

/** Checks only what accepting a signal takes: that Redis and its replicas confirm writes. Answers within {@link ANSWER_MS_MAX}. */
export function intakeChecker(services: CheckedServices): () => Promise<Health> {
  const checkRedis = singleFlight(async () =>
    askRedis(services, async (redis) => ({
      redis: { answers: true, ...(await readServerStatus(redis, services.keys)) },
    })),
  );
  if (services.keys.suffix !== "") {
    const reasons = [shadowRefusal(TAKES_NO_SIGNALS)];
    return async () => ({ status: "not_ready", reasons });
  }
  const checkReplicas = replicasChecker(services);
  return async () => {
    const checked = within(ANSWER_MS_MAX, checkRedis(), () => SILENT);
    const [{ redis }, replicas] = await Promise.all([checked, checkReplicas()]);
    return redisHealthOf(redis, replicas);
  };
}

function replicasChecker({ confirm }: CheckedServices): () => Promise<ReplicasHealth> {
  const check = singleFlight(async () => readReplicasHealth(confirm));
  const lacking = `they did not confirm it within ${ANSWER_MS_MAX} ms`;
  return async () => within(ANSWER_MS_MAX, check(), () => ({ lacking }));
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
}

const ANSWER_MS_MAX = 2_000;

interface RedisAnswer {
  readonly redis: RedisHealth;
  readonly status?: Status;
  /** Why the status cannot be read although Redis works, such as a key of another type. */
  readonly unreadable?: string;
}

const UNKNOWN_MEMORY = { used: null, max: null };
const WITHOUT_SERVER: RedisAnswer = {
  redis: { answers: false, refusals: [], memory: UNKNOWN_MEMORY, isWithoutPrimary: true },
};
const SILENT: RedisAnswer = { redis: { answers: false, refusals: [], memory: UNKNOWN_MEMORY } };

type Question = (redis: Redis, services: CheckedServices) => Promise<RedisAnswer>;

/** Asks over the router's connection, or a new one while that one waits until Redis lets it in, or is being replaced. */
async function askRedis(services: CheckedServices, question: Question): Promise<RedisAnswer> {
  const { redis } = services;
  const answer = redis.status === "ready" ? await answerOf(redis, services, question) : SILENT;
  if (answer !== SILENT) return answer;
  const single = openForOneQuestion(redis);
  try {
    return await answerOf(single, services, question);
  } finally {
    single.disconnect();
  }
}

async function answerOf(redis: Redis, services: CheckedServices, question: Question): Promise<RedisAnswer> {
  try {
    return await question(redis, services);
  } catch (error) {
    services.logger.debug({ err: error }, "the router's state could not be read from Redis");
    const refusal = redisRefusalIn(error);
    // The message of a broken connection contains the address, which must not be public.
    if (refusal !== undefined)
      return { redis: { answers: false, refusals: [refusal], memory: UNKNOWN_MEMORY } };
    return isWithoutServer(error) ? WITHOUT_SERVER : SILENT;
  }
}

/** Over the router's own connection, what was read before is used again. */
function stateReaderOf({ redis: own, keys }: CheckedServices): Question {
  const readAgain = statusReaderOn(own, keys);
  return async (redis) => {
    try {
      const status = await (redis === own ? readAgain() : readStatus(redis, keys));
      return { status, redis: { answers: true, ...status.server } };
    } catch (error) {
      if (!(error instanceof ReplyError) || redisRefusalIn(error) !== undefined) throw error;
      const server = await readServerStatus(redis, keys);
      return { redis: { answers: true, ...server }, unreadable: messageOf(error) };
    }
  };
}
