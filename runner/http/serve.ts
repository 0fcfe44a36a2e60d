import type { Services } from "../setup/services.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";
import { openHttpApp } from "./open-app.ts";
import { peerAddressOf, startHttpServer, type HttpServer } from "./server/server.ts";

/** The app, served by this process. */
export interface ServedApp extends HttpServer {
  /** Ends what the app has opened for itself, once nothing is answered any more. */
  close(): void;
}

/**
 * Serves the app where HTTP_HOST and HTTP_PORT say; not without HTTP_TOKEN, on loopback neither, since people put proxies
 * in front. @throws MisconfigurationError when it cannot listen there
 */
export async function serveHttp(services: Services): Promise<ServedApp | undefined> {
  const { config, events, logger } = services;
  const { httpToken: token, httpHost: host, httpPort: port } = config;
  if (token === undefined) {
    if (config.webhookSecret !== undefined)
      logger.warn("WEBHOOK_SECRET is set, but without HTTP_TOKEN nothing is served: no alert can arrive");
    return undefined;
  }
  if (token === config.webhookSecret) {
    logger.warn(
      "WEBHOOK_SECRET is the HTTP_TOKEN as well: whoever sees the webhook's address can do everything",
    );
  }
  // Trading needs Redis only and goes on without HTTP, so this ends nothing; but somebody has to know.
  const reporter = failureReporter(events, {
    source: "http",
    what: "HTTP takes no requests, or not all of them; trading goes on",
    level: "CRITICAL",
  });
  const { app, close } = openHttpApp({ services, token, peerAddressOf });
  try {
    return { ...(await startHttpServer(app, { host, port, logger, onFailure: reporter.failed })), close };
  } catch (error) {
    close();
    throw error;
  }
}
