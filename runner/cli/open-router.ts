import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { VARIABLES, type Config } from "../../shared/config/config.ts";
import { secretsOf } from "../../shared/config/secrets.ts";
import { unknownVariables } from "../../shared/config/unknown-variables.ts";
import { messageOf } from "../../shared/error-message.ts";
import { DataFolderError } from "../../shared/io/files/private-files.ts";
import type { Database } from "../../shared/io/postgres/database.ts";
import { FolderInUseError } from "../../shared/io/postgres/folder-lock.ts";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import { readShadow } from "../../shared/io/streams/router-mode.ts";
import { configOrExit, DATA_DIR, uniqueConsumerName, type Environment } from "../environment.ts";
import { createHttpApp } from "../http/app.ts";
import { withLocalSecrets } from "../local/secrets.ts";
import { openServices } from "../setup/services.ts";
import { openLogger } from "../telemetry/logger.ts";
import { CliError, NO_ROUTER, runningRouter, withRedisStarted } from "./connection.ts";
import { orLost } from "./lost-answer.ts";
import { refuseOtherDatabase } from "./refuse-other-database.ts";
import { routesOver, type RouterRoutes } from "./router-routes.ts";

/**
 * Runs a command with the routes of the router: of the one that runs in this folder, else in this process, on the servers of this
 * environment. While the embedded database is in use and no router answers, one is starting or stopping: that is waited for.
 * @throws CliError when these cannot be used
 */
export async function withRouter<T>(
  env: Environment,
  command: (router: RouterRoutes) => Promise<T>,
  { dataDir = DATA_DIR, waitMsMax = 10_000 }: FolderOptions = {},
): Promise<T> {
  const config = configOrExit(env);
  // Without its DATABASE_URL, for example, a command would work on the embedded database.
  for (const { message } of unknownVariables(env, VARIABLES)) console.error(`Warning: ${message}`);
  const until = performance.now() + waitMsMax;
  for (let tries = 0; ; tries += 1) {
    const router = await runningRouter(env, config, dataDir);
    if (router !== undefined) return command(routesOver(orLost(router.fetch)));
    const database = await openFor(config, dataDir);
    if (!(database instanceof FolderInUseError))
      return inThisProcess(env, { config, database, dataDir }, command);
    if (performance.now() > until) throw new CliError(inUseText(database.pid, waitMsMax));
    if (tries === 0) console.error(`Waiting for the router of this folder (process ${database.pid}) …`);
    await pause(LOOK_EVERY_MS);
  }
}

interface FolderOptions {
  readonly dataDir?: string;
  /** Longest wait for a router that is starting or stopping. */
  readonly waitMsMax?: number;
}

const LOOK_EVERY_MS = 100;

function inUseText(pid: string, waitMsMax: number): string {
  return `process ${pid} has the embedded database of this folder open, and for ${waitMsMax / 1000} s no router has answered on its socket: a router that is starting or stopping, another command, or a router of an older version. Let it end, or stop it (kill ${pid}), and run this command again`;
}

const NO_DATABASE =
  "DATABASE_URL is not set, and this folder has no embedded database: set the DATABASE_URL of your routers, or start one here with `npm start` first";

/** The database of this environment, which of the embedded one is migrated; the error when another process has that open. */
async function openFor(config: Config, dataDir: string): Promise<Database | FolderInUseError> {
  const { databaseUrl: url, databaseSchema: schema, neonWsProxy, redisUrl } = config;
  // Before an embedded database is made for nothing.
  if (redisUrl === undefined && !existsSync(join(dataDir, "redis"))) throw new CliError(NO_ROUTER);
  if (url === undefined && !existsSync(join(dataDir, "postgres"))) throw new CliError(NO_DATABASE);
  try {
    const database = await openDatabase({ url, schema, neonWsProxy, dataDir, onError: () => undefined });
    // With DATABASE_URL only `npm run migrate` changes the schema.
    if (url === undefined)
      await database.migrate().catch(async (error: unknown) => {
        await database.close();
        throw error;
      });
    return database;
  } catch (error) {
    if (error instanceof DataFolderError) throw error;
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof FolderInUseError) return cause;
    throw new CliError(messageOf(error), { cause: error });
  }
}

interface Opened {
  readonly config: Config;
  readonly database: Database;
  readonly dataDir: string;
}

async function inThisProcess<T>(
  env: Environment,
  { config: given, database, dataDir }: Opened,
  command: (router: RouterRoutes) => Promise<T>,
): Promise<T> {
  try {
    return await withRedisStarted(
      env,
      async (connection) => {
        const { redis, keys, redisUrl } = connection;
        if (given.databaseUrl === undefined) await refuseOtherDatabase(connection);
        // Whatever this environment says: the routers of these groups may be a shadow.
        const config = { ...given, shadow: given.shadow || (await readShadow(redis, keys)) };
        // With the local Redis the router has secrets that are in no variable.
        const whole = given.redisUrl === undefined ? await withLocalSecrets(config, dataDir) : config;
        const services = openServices({
          config,
          redisUrl,
          consumer: uniqueConsumerName(),
          database,
          logger: openLogger("warn", { forPeople: true }),
          secrets: secretsOf(env, whole),
          reportsStrategies: false,
        });
        try {
          await services.clock.sample();
          const app = createHttpApp({ services, askedBy: "owner" });
          return await command(routesOver(async (request) => app.fetch(request)));
        } finally {
          await services.flush(FLUSH_MS_MAX);
          services.close();
        }
      },
      dataDir,
    );
  } finally {
    await database.close();
  }
}

const FLUSH_MS_MAX = 2_000;
