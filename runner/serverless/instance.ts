import type { Context } from "hono";
import { configRemarks } from "../../shared/config/config-remarks.ts";
import { readConfig, TIMER_MS_MAX, type Config } from "../../shared/config/config.ts";
import { runMsMaxOf } from "../../shared/config/run-limits.ts";
import { secretsOf } from "../../shared/config/secrets.ts";
import { messageOf } from "../../shared/error-message.ts";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import { MisconfigurationError, uniqueConsumerName, type Environment } from "../environment.ts";
import { openHttpApp, type OpenedApp } from "../http/open-app.ts";
import { refuseOccupiedGroups } from "../setup/admission.ts";
import { refuseUnusableRedis } from "../setup/check-redis.ts";
import { checkReplicas } from "../setup/check-replicas.ts";
import { openServices } from "../setup/services.ts";
import { openLogger } from "../telemetry/logger.ts";
import { answeredWithin, redisCheck } from "./connection-check.ts";
import { requestsInFlight } from "./requests-in-flight.ts";

/**
 * Opens the connections of one instance and makes its app.
 * @throws MisconfigurationError, and Error when Redis does not answer
 */
export async function openInstance({ env, peerAddressOf }: InstanceOptions): Promise<Instance> {
  const { config, redisUrl, databaseUrl, token } = serverlessConfig(env);
  const logger = openLogger(config.logLevel, { forPeople: false });
  for (const { message } of configRemarks(env, config)) logger.warn(message);
  const database = await openDatabase({
    url: databaseUrl,
    neonWsProxy: config.neonWsProxy,
    schema: config.databaseSchema,
    dataDir: "",
    poolMax: POOL_MAX,
    onError: (error) => logger.warn(`database: ${messageOf(error)}`),
  });
  // CONSUMER_NAME would be the same for all instances.
  const consumer = uniqueConsumerName();
  const services = openServices({
    config,
    redisUrl,
    consumer,
    database,
    logger,
    secrets: secretsOf(env, config),
  });
  const { app, close: closeApp } = openHttpApp({ services, token, peerAddressOf });
  const { redis, clock } = services;
  const requests = requestsInFlight();

  const close = async (): Promise<void> => {
    await requests.over(Math.min(CLOSE_MS_MAX + runMsMaxOf(config), TIMER_MS_MAX));
    closeApp();
    services.close();
    await database.close().catch((error: unknown) => logger.warn(`database: ${messageOf(error)}`));
  };
  const start = async (): Promise<void> => {
    await refuseUnusableRedis(redis, services.keys, logger);
    await checkReplicas(redis, config, logger);
    await refuseOccupiedGroups(redis, services.keys, services);
    await clock.sample();
  };
  try {
    await answeredWithin(START_MS_MAX, start());
  } catch (error) {
    await close();
    throw error;
  }

  return {
    app,
    begin: () => requests.begin(),
    isUsable: redisCheck({
      // Not PING, which a Redis that cannot save its data refuses.
      ping: async () => redis.time(),
      clock,
      pingMsMax: CHECK_MS_MAX,
      sampleMsMax: SAMPLE_MS_MAX,
      onFailure: (message) => logger.warn(`Redis: ${message}; connecting again`),
    }),
    flush: async () => services.flush(FLUSH_MS_MAX, "if_due"),
    close,
  };
}

/** An instance of a serverless platform. It may be frozen between two requests, and is not always thawed. */
export interface Instance extends Pick<OpenedApp, "app"> {
  /** Counts a request, which keeps the connections open; calling the answer ends it. */
  begin(): () => void;
  /** See {@link redisCheck}. Never rejects. */
  isUsable(): Promise<boolean>;
  /** Sends the events, since the instance may be frozen afterwards. */
  flush(): Promise<void>;
  /** Closes the connections after the requests in flight, or after their longest time. Never rejects. */
  close(): Promise<void>;
}

export interface InstanceOptions {
  readonly env: Environment;
  readonly peerAddressOf: (c: Context) => string | undefined;
}

/** Optional for `npm start`, which can start Redis and Postgres itself and run without HTTP. */
const REQUIRED = { redisUrl: "REDIS_URL", databaseUrl: "DATABASE_URL", httpToken: "HTTP_TOKEN" } as const;

/** An instance has few requests at a time, and a database may have hundreds of instances. */
const POOL_MAX = 2;
/** TradingView waits 3 s for an answer: a check and a new start together take less. */
const START_MS_MAX = 2_000;
const CHECK_MS_MAX = 500;
const SAMPLE_MS_MAX = 450;
const FLUSH_MS_MAX = 400;
/** Longer than a tick with the largest budget, without its strategies: an answer that is never read must not block a close. */
const CLOSE_MS_MAX = 80_000;

/** @throws MisconfigurationError with a line per fault, each beginning with the variable */
function serverlessConfig(env: Environment): {
  config: Config;
  redisUrl: string;
  databaseUrl: string;
  token: string;
} {
  const answer = readConfig(env);
  const missing = Object.entries(REQUIRED)
    .filter(([, variable]) => (env[variable] ?? "").trim() === "")
    .map(
      ([, variable]) =>
        `${variable}: expected a value, since a serverless router starts no servers of its own`,
    );
  const faults = [...(answer.ok ? [] : [answer.message]), ...missing];
  if (!answer.ok || faults.length > 0) throw new MisconfigurationError(faults.join("\n"));
  const { redisUrl = "", databaseUrl = "", httpToken: token = "" } = answer.config;
  return { config: answer.config, redisUrl, databaseUrl, token };
}
