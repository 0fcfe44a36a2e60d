import type { Context } from "hono";
import { readConfig, TIMER_MS_MAX, type Config } from "../../shared/config/config.ts";
import { strategySecrets } from "../../shared/config/secrets.ts";
import { messageOf } from "../../shared/error-message.ts";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import { MisconfigurationError, uniqueConsumerName, type Environment } from "../environment.ts";
import { openHttpApp, type OpenedApp } from "../http/open-app.ts";
import { refuseUnusableRedis } from "../setup/check-redis.ts";
import { openServices } from "../setup/services.ts";
import { openLogger } from "../telemetry/logger.ts";
import { answeredWithin, redisCheck } from "./connection-check.ts";
import { requestsInFlight } from "./requests-in-flight.ts";

/** The app in one instance of a serverless platform, which may be frozen between two requests and then thawed or not. */
export interface Instance extends Pick<OpenedApp, "app"> {
  /** Counts a request, for which the connections are kept; the answer ends it. */
  begin(): () => void;
  /**
   * Whether Redis answers, by a round trip, since the connection may have been lost while the instance was frozen; then its
   * clock has been sampled lately. Never rejects.
   */
  isUsable(): Promise<boolean>;
  /** Sends what is to be sent, since the instance may be frozen afterwards. */
  flush(): Promise<void>;
  /** Ends the connections, once the requests under way on them are over or have had their time; never rejects. */
  close(): Promise<void>;
}

export interface InstanceOptions {
  readonly env: Environment;
  readonly peerAddressOf: (c: Context) => string | undefined;
}

/** Variables that a runner can do without, since it sets up a stack of its own or serves nothing. */
const REQUIRED = { redisUrl: "REDIS_URL", databaseUrl: "DATABASE_URL", httpToken: "HTTP_TOKEN" } as const;

/** An instance has few requests at a time, and a database may have hundreds of instances. */
const POOL_MAX = 2;
/** TradingView waits 3 s: looking and starting anew are over before, so that it gets an answer. */
const START_MS_MAX = 2_000;
const CHECK_MS_MAX = 500;
const SAMPLE_MS_MAX = 450;
const FLUSH_MS_MAX = 400;
/**
 * Longer than a tick with the largest budget; strategies have their time besides. An answer that is neither read to its
 * end nor cancelled must not hold connections for ever.
 */
const CLOSE_MS_MAX = 80_000;

/** Opens the connections and makes the app. @throws MisconfigurationError; Error when Redis does not answer */
export async function openInstance({ env, peerAddressOf }: InstanceOptions): Promise<Instance> {
  const { config, redisUrl, databaseUrl, token } = serverlessConfig(env);
  const logger = openLogger(config.logLevel, { forPeople: false });
  const database = await openDatabase({
    url: databaseUrl,
    neonWsProxy: config.neonWsProxy,
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
    secrets: strategySecrets(env, [config.httpToken, config.webhookSecret, config.notifyUrl]),
  });
  const { app, close: closeApp } = openHttpApp({ services, token, peerAddressOf });
  const { redis, clock, events } = services;
  const requests = requestsInFlight();

  const close = async (): Promise<void> => {
    await requests.over(Math.min(CLOSE_MS_MAX + config.strategyTimeoutMs, TIMER_MS_MAX));
    closeApp();
    services.close();
    await database.close().catch((error: unknown) => logger.warn(`database: ${messageOf(error)}`));
  };
  const start = async (): Promise<void> => {
    await refuseUnusableRedis(redis, logger);
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
      ping: async () => redis.ping(),
      sampleClock: async () => clock.sample(),
      pingMsMax: CHECK_MS_MAX,
      sampleMsMax: SAMPLE_MS_MAX,
      onFailure: (message) => logger.warn(`Redis: ${message}; connecting anew`),
    }),
    flush: async () => events.flush(FLUSH_MS_MAX),
    close,
  };
}

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
    .map(([, variable]) => `${variable}: expected, since nothing is set up here`);
  const faults = [...(answer.ok ? [] : [answer.message]), ...missing];
  if (!answer.ok || faults.length > 0) throw new MisconfigurationError(faults.join("\n"));
  const { redisUrl = "", databaseUrl = "", httpToken: token = "" } = answer.config;
  return { config: answer.config, redisUrl, databaseUrl, token };
}
