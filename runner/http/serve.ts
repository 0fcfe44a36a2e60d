import { COMMON_SOURCE, secretVariableOf } from "../../shared/config/source-secrets.ts";
import { webhookSecretsOf, type WebhookSecrets } from "../../shared/config/webhook-secrets.ts";
import type { Services } from "../setup/services.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";
import { openHttpApp, type OpenedApp } from "./open-app.ts";
import { peerAddressOf, startHttpServer, type HttpServer } from "./server/server.ts";
import { rateLimited } from "./webhook/refused-alerts.ts";

/**
 * Serves the app on HTTP_HOST and HTTP_PORT. Without HTTP_TOKEN it serves nothing, not even on loopback, because a proxy may
 * stand in front. @throws MisconfigurationError when it cannot listen there
 */
export async function serveHttp(services: Services): Promise<ServedApp | undefined> {
  const { config, events, logger } = services;
  const { httpToken: token, httpHost: host, httpPort: port } = config;
  const secrets = webhookSecretsOf(config);
  if (token === undefined) {
    if (secrets !== undefined)
      logger.warn(
        `${variablesOf(secrets)} is set but HTTP_TOKEN is not, so HTTP is not served and no alert can arrive: set HTTP_TOKEN`,
      );
    return undefined;
  }
  if (secrets?.all.includes(token) === true) {
    logger.warn(
      `${variablesOf(secrets)} and HTTP_TOKEN are the same, so the webhook's URL gives access to every route: set two different values`,
    );
  }
  // Trading needs only Redis, so the process goes on without HTTP; but an operator has to know.
  const reporter = failureReporter(events, {
    source: "http",
    what: "HTTP does not accept all requests; trading goes on",
    level: "CRITICAL",
  });
  const publishCrowded = rateLimited((event) => events.publish(event), { everyMs: CROWDED_EVERY_MS });
  const onCrowded = ({ message }: Error): void =>
    publishCrowded(() => ({ level: "WARNING", source: "http", message }));
  const { app, close } = openHttpApp({ services, token, peerAddressOf });
  const callbacks = { onFailure: reporter.failed, onCrowded };
  try {
    return { ...(await startHttpServer(app, { host, port, logger, ...callbacks })), close };
  } catch (error) {
    close();
    throw error;
  }
}

/** The variables that hold the secrets of webhooks, for messages. */
function variablesOf({ byName }: WebhookSecrets): string {
  const names = [...byName.keys()].map((name) =>
    name === COMMON_SOURCE ? "WEBHOOK_SECRET" : secretVariableOf(name),
  );
  return names.join(", ");
}

const CROWDED_EVERY_MS = 60_000;

/** The app served by this process; `close` comes after `stop`. */
export type ServedApp = HttpServer & Pick<OpenedApp, "close">;
