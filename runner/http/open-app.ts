import { openSignalIngest, type SignalIngest } from "../../shared/io/streams/signal-ingest.ts";
import type { Services } from "../setup/services.ts";
import { createHttpApp } from "./app.ts";
import type { HttpDeps } from "./http-deps.ts";

/** The app, and the end of what it has opened for itself; the services stay their owner's. */
export interface OpenedApp {
  readonly app: ReturnType<typeof createHttpApp>;
  readonly close: () => void;
}

/** The app with what its routes need beside the services. */
export function openHttpApp(deps: Omit<HttpDeps, "intake">): OpenedApp {
  const ingest = intakeFor(deps.services);
  return { app: createHttpApp({ ...deps, ingest }), close: () => ingest?.close() };
}

function intakeFor({ config, redisUrl, keys, consumer, logger }: Services): SignalIngest | undefined {
  if (config.webhookSecret === undefined) return undefined;
  return openSignalIngest({
    url: redisUrl,
    keys,
    name: `${consumer}:intake`,
    onError: (error) => logger.debug({ err: error }, "Redis connection of the webhook"),
  });
}
