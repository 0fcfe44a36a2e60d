import { randomBytes } from "node:crypto";
import { secretsOf } from "../../shared/config/secrets.ts";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import { DATA_DIR, uniqueConsumerName, type Environment } from "../environment.ts";
import { openHttpApp } from "../http/open-app.ts";
import { openServices } from "../setup/services.ts";
import { openLogger } from "../telemetry/logger.ts";
import { withRedisStarted } from "./connection.ts";
import { routesOver, type RouterRoutes } from "./router-routes.ts";

/**
 * Runs a command with the routes of the router, which run in this process on the servers of this environment.
 * @throws CliError when these cannot be used
 */
export async function withRouter<T>(
  env: Environment,
  command: (router: RouterRoutes) => Promise<T>,
): Promise<T> {
  return withRedisStarted(env, async ({ config, redisUrl }) => {
    const logger = openLogger("warn", { forPeople: true });
    const database = await openDatabase({
      url: config.databaseUrl,
      schema: config.databaseSchema,
      neonWsProxy: config.neonWsProxy,
      dataDir: DATA_DIR,
      onError: (error) => logger.debug({ err: error }, "database"),
    });
    const consumer = uniqueConsumerName();
    const secrets = secretsOf(env, config);
    const services = openServices({ config, redisUrl, consumer, database, logger, secrets });
    const token = randomBytes(16).toString("hex");
    const opened = openHttpApp({ services, token, peerAddressOf: () => undefined });
    try {
      await services.clock.sample();
      return await command(
        routesOver(async (request) => {
          request.headers.set("authorization", `Bearer ${token}`);
          return opened.app.fetch(request);
        }),
      );
    } finally {
      await services.flush(FLUSH_MS_MAX);
      opened.close();
      services.close();
      await database.close();
    }
  });
}

const FLUSH_MS_MAX = 2_000;
