import type { Logger } from "pino";
import type { Config } from "../../shared/config/config.ts";
import { redactUrl } from "../../shared/config/redact-url.ts";
import { messageOf } from "../../shared/error-message.ts";
import type { Database } from "../../shared/io/postgres/database.ts";
import { DatabaseError } from "../../shared/io/postgres/database.ts";
import { pendingMigrations } from "../../shared/io/postgres/migrate.ts";
import { MigrationRefusedError, readReferenceOrigin } from "../../shared/io/postgres/migration-history.ts";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import { openRedis } from "../../shared/io/redis/connection.ts";
import { otherSystemText, readOtherSystem } from "../../shared/io/reference/other-systems.ts";
import { keysOf } from "../../shared/keys.ts";
import { redisRefusalIn } from "../../shared/redis-refusal.ts";
import type { ReferenceOrigin } from "../../shared/reference/reference-kind.ts";
import type { Running } from "../../shared/running.ts";
import { MisconfigurationError, type Environment } from "../environment.ts";
import { isDemoReference, loadDemoReference } from "../local/demo.ts";
import { findRedisServer } from "../local/find-redis.ts";
import { startLocalRedis } from "../local/redis-server.ts";
import { refuseOccupiedGroups } from "./admission.ts";
import { refuseUnusableRedis } from "./check-redis.ts";
import { checkReplicas } from "./check-replicas.ts";

/** The servers a router runs on: those of REDIS_URL and DATABASE_URL, or local ones. */
export interface BackingServices extends Running {
  readonly redisUrl: string;
  readonly localRedis: boolean;
  readonly database: Database;
  /** True when the reference is the demo as it was loaded, whose strategies only log. */
  readonly isDemo: boolean;
  /** False when Redis did not answer: whether the router may work on its groups is then not known yet. */
  readonly isAdmitted: boolean;
  /** Whose reference it is; undefined when Postgres could not be asked. */
  readonly reference: ReferenceOrigin | undefined;
}

export interface BackingServicesOptions {
  readonly config: Config;
  readonly env: Environment;
  /** Folder for the data of local servers. */
  readonly dataDir: string;
  readonly logger: Logger;
  /** Called when the embedded database has failed; this process cannot use it again. */
  readonly onDatabaseLost: (error: Error) => void;
}

/** Connects to the configured servers and starts local ones for the others. @throws Error saying what to do */
export async function openBackingServices(options: BackingServicesOptions): Promise<BackingServices> {
  const { config, env, dataDir, logger, onDatabaseLost } = options;
  const database = await openDatabase({
    url: config.databaseUrl,
    neonWsProxy: config.neonWsProxy,
    schema: config.databaseSchema,
    dataDir,
    onError: (error) => {
      // Connections to a server reconnect by themselves.
      if (config.databaseUrl === undefined) onDatabaseLost(error);
      else logger.warn(`database: ${messageOf(error)}`);
    },
  });
  try {
    const { isDemo, reference } = await prepareSchema(database, config, logger);
    const local =
      config.redisUrl === undefined
        ? await startLocalRedis({ dataDir, log: logger, findServer: async () => findRedisServer({ env }) })
        : undefined;
    const redisUrl = config.redisUrl ?? local?.url ?? "";
    const isAdmitted = await checkRedis(redisUrl, options);
    return {
      redisUrl,
      localRedis: local !== undefined,
      database,
      isDemo,
      isAdmitted,
      reference,
      async stop() {
        await database.close();
        await local?.stop();
        return "finished";
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/**
 * The loops wait for an unavailable server, and false is answered; an unusable one, and groups that others work on, are refused
 * now. @throws MisconfigurationError
 */
async function checkRedis(url: string, options: BackingServicesOptions): Promise<boolean> {
  const { config, logger } = options;
  const keys = keysOf(config.keyPrefix, config);
  let refused: Error | undefined;
  const onError = (error: Error): void => {
    refused = error;
    logger.debug({ err: error }, "Redis connection");
  };
  const redis = openRedis({
    url,
    key: keys.stream("signals_stream"),
    role: "commands",
    name: "check",
    onError,
  });
  try {
    await refuseUnusableRedis(redis, keys, logger);
    await checkReplicas(redis, config, logger);
    await refuseOccupiedGroups(redis, keys, { config });
    return true;
  } catch (error) {
    if (error instanceof MisconfigurationError) throw error;
    const cause = refused ?? error;
    const what = redisRefusalIn(cause) === undefined ? "does not answer yet" : "cannot be used yet";
    logger.warn(`Redis at ${redactUrl(url)} ${what} (${messageOf(cause)}): the router waits for it`);
    return false;
  } finally {
    redis.disconnect();
  }
}

/** Migrates the embedded database, and only checks any other. A reference of another system is left alone. */
async function prepareSchema(
  database: Database,
  config: Config,
  logger: Logger,
): Promise<Pick<BackingServices, "isDemo" | "reference">> {
  if (config.databaseUrl === undefined) {
    await database.migrate().catch(throwRefusal);
    const reference = await readReferenceOrigin(database);
    if (reference?.kind !== "own") return { isDemo: false, reference };
    await loadDemoReference(database);
    return { isDemo: await isDemoReference(database), reference };
  }
  try {
    const pending = await pendingMigrations(database).catch(throwRefusal);
    if (pending.length > 0) {
      throw new MisconfigurationError(
        `the database of DATABASE_URL lacks migrations (${pending.join(", ")}): run \`npm run migrate\``,
      );
    }
    const reference = await readReferenceOrigin(database);
    const other = reference?.kind === "own" ? await readOtherSystem(database) : undefined;
    if (other !== undefined) logger.warn(otherSystemText(other));
    return { isDemo: false, reference };
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    // Trading does not wait for Postgres: records wait in Redis until it is available.
    const what = error.sqlstate === undefined ? "cannot be reached yet" : "cannot be used yet";
    logger.warn(
      `Postgres ${what} (${error.message}): the router starts without it, and records wait in Redis`,
    );
    return { isDemo: false, reference: undefined };
  }
}

/** Tables in another schema than DATABASE_SCHEMA stay there until a person moves them. */
function throwRefusal(error: unknown): never {
  throw error instanceof MigrationRefusedError ? new MisconfigurationError(error.message) : error;
}
