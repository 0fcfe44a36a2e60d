import { webhookSecretsOf } from "../../shared/config/webhook-secrets.ts";
import { openSignalIngest, type SignalIngest } from "../../shared/io/streams/signal-ingest.ts";
import type { Services } from "../setup/services.ts";
import { createHttpApp } from "./app.ts";
import type { NetworkDeps } from "./http-deps.ts";

/** The app with what its routes need beside the services. */
export function openHttpApp(deps: Omit<NetworkDeps, "ingest">): OpenedApp {
  const ingest = ingestFor(deps.services);
  return { app: createHttpApp({ ...deps, ingest }), close: () => ingest?.close() };
}

export interface OpenedApp {
  readonly app: ReturnType<typeof createHttpApp>;
  /** Closes what was opened for the app; the services stay open. */
  readonly close: () => void;
}

function ingestFor({ config, redisUrl, keys, consumer, logger }: Services): SignalIngest | undefined {
  if (webhookSecretsOf(config) === undefined) return undefined;
  return openSignalIngest({
    url: redisUrl,
    keys,
    name: `${consumer}:intake`,
    leaseMs: config.leaseMs,
    replicas: { replicasMin: config.redisReplicasMin, msMax: config.redisReplicasMsMax },
    onError: (error) => logger.debug({ err: error }, "Redis connection of the webhook"),
  });
}
