import pino from "pino";
import { vi } from "vitest";
import { openHttpApp } from "../../runner/http/open-app.ts";
import { openServices, type Services } from "../../runner/setup/services.ts";
import { readConfig } from "../../shared/config/config.ts";
import { strategySecrets } from "../../shared/config/secrets.ts";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import type { ReferenceRows } from "../../shared/reference/reference.ts";
import type { AnyStrategyHandler } from "../../shared/strategy.ts";
import { referenceRows } from "../builders.ts";
import { freshPrefix, migratedDatabase } from "../servers/fixtures.ts";
import { insertReference } from "../servers/insert-reference.ts";
import { startReplicatedRedis, type ReplicatedRedis } from "../servers/replicated-redis.ts";
import { callApp, type Answered } from "./http/http-fixture.ts";

/** The services and the HTTP app, webhook included, on a master with replicas. */
export interface ReplicatedStage {
  readonly servers: ReplicatedRedis;
  readonly services: Services;
  readonly call: (method: string, path: string, body?: unknown) => Promise<Answered>;
}

export interface StageOptions {
  readonly replicas: number;
  readonly settings: Readonly<Record<string, string>>;
  readonly rows?: ReferenceRows;
  readonly handlers?: readonly AnyStrategyHandler[];
}

export const WEBHOOK_PATH = "/webhooks/tradingview/a-secret-for-replicas";

/** Runs a test on a new stage, with a published reference. */
export async function onReplicas(
  { replicas, settings, rows = referenceRows(), handlers }: StageOptions,
  act: (stage: ReplicatedStage) => Promise<void>,
): Promise<void> {
  const [servers, fresh] = await Promise.all([startReplicatedRedis(replicas), migratedDatabase()]);
  const answer = readConfig({
    KEY_PREFIX: freshPrefix(),
    WEBHOOK_SECRET: "a-secret-for-replicas",
    HTTP_TOKEN: "a-token-for-tests",
    ...settings,
  });
  if (!answer.ok) throw new Error(answer.message);
  await insertReference(fresh.url, rows);
  const database = await openDatabase({ url: fresh.url, dataDir: "", onError: () => undefined });
  const services = openServices({
    config: answer.config,
    redisUrl: servers.master.url,
    consumer: "test",
    database,
    logger: pino({ level: "silent" }),
    secrets: strategySecrets({}),
    ...(handlers === undefined ? {} : { handlers }),
  });
  const { app, close } = openHttpApp({
    services,
    token: "a-token-for-tests",
    peerAddressOf: () => "192.0.2.1",
  });
  try {
    // A busy machine's replicas may be late.
    await vi.waitFor(async () => services.refresh(), { timeout: 20_000 });
    await act({ servers, services, call: async (...request) => callApp(app, ...request) });
  } finally {
    close();
    services.close();
    await database.close();
    await Promise.all([servers.stop(), fresh.drop()]);
  }
}
