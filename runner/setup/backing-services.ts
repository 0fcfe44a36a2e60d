import type { Logger } from "pino";
import type { Config } from "../../shared/config/config.ts";
import { redactUrl } from "../../shared/config/redact-url.ts";
import { messageOf } from "../../shared/error-message.ts";
import type { Database } from "../../shared/io/postgres/database.ts";
import { DatabaseError } from "../../shared/io/postgres/database.ts";
import { pendingMigrations } from "../../shared/io/postgres/migrate.ts";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import { openRedis } from "../../shared/io/redis/connection.ts";
import { MisconfigurationError, type Environment } from "../environment.ts";
import { loadDemoReference } from "../local/demo.ts";
import { findRedisServer } from "../local/find-redis.ts";
import { startLocalRedis } from "../local/redis-server.ts";
import { refuseUnusableRedis } from "./check-redis.ts";

/** The servers a router runs on: named by REDIS_URL and DATABASE_URL, or set up on this machine. */
export interface BackingServices {
  readonly redisUrl: string;
  readonly localRedis: boolean;
  readonly database: Database;
  /** True when the demo reference was loaded just now. */
  readonly demoLoaded: boolean;
  stop(): Promise<void>;
}

export interface BackingServicesOptions {
  readonly config: Config;
  readonly env: Environment;
  /** Folder for the data of what runs on this machine. */
  readonly dataDir: string;
  readonly logger: Logger;
  /** Told when the embedded database cannot be used any more; it will not come back in this process. */
  readonly onDatabaseLost: (error: Error) => void;
}

/** Opens, and where nothing is named starts, what the router needs. @throws Error saying what to do */
export async function openBackingServices({
  config,
  env,
  dataDir,
  logger,
  onDatabaseLost,
}: BackingServicesOptions): Promise<BackingServices> {
  const database = await openDatabase({
    url: config.databaseUrl,
    neonWsProxy: config.neonWsProxy,
    dataDir,
    onError: (error) => {
      // A server's connections come back by themselves.
      if (config.databaseUrl === undefined) onDatabaseLost(error);
      else logger.warn(`database: ${messageOf(error)}`);
    },
  });
  try {
    const demoLoaded = await prepareSchema(database, config, logger);
    const local =
      config.redisUrl === undefined
        ? await startLocalRedis({ dataDir, log: logger, findServer: async () => findRedisServer({ env }) })
        : undefined;
    const redisUrl = config.redisUrl ?? local?.url ?? "";
    await checkRedis(redisUrl, logger);
    return {
      redisUrl,
      localRedis: local !== undefined,
      database,
      demoLoaded,
      async stop() {
        await database.close();
        await local?.stop();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** A server that is away is waited for by the loops; one that cannot work is refused now. @throws MisconfigurationError */
async function checkRedis(url: string, logger: Logger): Promise<void> {
  let refused: Error | undefined;
  const onError = (error: Error): void => {
    refused = error;
    logger.debug({ err: error }, "Redis connection");
  };
  const redis = openRedis({ url, role: "commands", name: "check", onError });
  try {
    await refuseUnusableRedis(redis, logger);
  } catch (error) {
    if (error instanceof MisconfigurationError) throw error;
    logger.warn(
      `Redis at ${redactUrl(url)} does not answer yet (${messageOf(refused ?? error)}); going on when it does`,
    );
  } finally {
    redis.disconnect();
  }
}

/** The embedded database is the router's own; any other is only looked at. True when the demo was loaded. */
async function prepareSchema(database: Database, config: Config, logger: Logger): Promise<boolean> {
  if (config.databaseUrl === undefined) {
    await database.migrate();
    return loadDemoReference(database);
  }
  try {
    const pending = await pendingMigrations(database);
    if (pending.length > 0) {
      throw new MisconfigurationError(
        `the database of DATABASE_URL lacks the router's schema (${pending.join(", ")}): run \`npm run migrate\``,
      );
    }
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    // Trading does not wait for Postgres: what is recorded waits in Redis until it is there.
    logger.warn(`Postgres cannot be reached yet (${error.message}); going on without it`);
  }
  return false;
}
