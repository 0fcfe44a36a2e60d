import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import pRetry from "p-retry";
import { messageOf } from "../../shared/error-message.ts";
import type { Database } from "../../shared/io/postgres/database.ts";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import { openRedis } from "../../shared/io/redis/connection.ts";
import { keysOf, type Keys } from "../../shared/keys.ts";
import { serverFolder } from "../servers/folder.ts";
import { startPostgres, type PostgresServer } from "../servers/postgres.ts";
import { freePort } from "../servers/process.ts";
import type { Relay } from "../servers/relay.ts";
import { settableClock, type SettableClock } from "../servers/settable-clock.ts";
import { BEGUN_VARIABLE } from "./begun.ts";
import type { Setting } from "./faults.ts";
import { watchReadiness, type Readiness } from "./readiness.ts";
import { routerSlot, type RouterSlot } from "./router-slot.ts";
import { startTortureRedis, type TortureRedis } from "./torture-redis.ts";

/** The servers and routers of a run, and connections to observe them. */
export interface Stage {
  readonly servers: TortureRedis;
  readonly postgresServer: PostgresServer;
  readonly routers: readonly RouterSlot[];
  /** Each router's network to Redis, and the clock of its machine; without libfaketime no clock can be set. */
  readonly relays: readonly Relay[];
  readonly clocks: readonly SettableClock[];
  readonly keys: Keys;
  /** For observing and pausing. It fails while the server is stopped, so use it within {@link untilDone}. */
  readonly redis: Redis;
  readonly database: Database;
  /** Another connection for commands; it is closed with the stage. */
  connect(name: string): Redis;
  /** Kills a server, waits, and starts it again. */
  restart(server: Restartable, forMs: number): Promise<void>;
  /** Resolves when enough replicas have what was written on this connection. @throws Error when they have not */
  confirm(redis: Redis): Promise<void>;
  /** A step during which the routers cannot work. */
  outage(step: () => Promise<void>): Promise<void>;
  readonly readiness: Readiness;
  /** In this file the routers write down what they begin. */
  readonly begunPath: string;
  close(): Promise<void>;
}

/** A server that keeps its data. */
interface Restartable {
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** All times of the routers are short, so that minutes contain what otherwise takes hours. */
export const CLAIM_IDLE_MS = 1_000;
export const LEASE_MS = 1_000;
const SHUTDOWN_MS_MAX = 5_000;
const CONFIRM_MS_MAX = 500;
const CHANNEL = "torture_reference";
const ROUTER_ENV = {
  CLAIM_IDLE_MS: String(CLAIM_IDLE_MS),
  LEASE_MS: String(LEASE_MS),
  HTTP_TOKEN: "for-health-alone-0123456789",
  SHUTDOWN_MS_MAX: String(SHUTDOWN_MS_MAX),
  BLOCK_MS: "200",
  BATCH_COUNT_MAX: "50",
  REFERENCE_REFRESH_MS: "500",
  REFERENCE_CHANNELS: CHANNEL,
  // A kill counts as a delivery of the entries in flight, and one entry may meet many kills. It is claimed at most once
  // per CLAIM_IDLE_MS, so this limit takes eleven days: no valid entry becomes a dead letter.
  DELIVERIES_MAX: "1000000",
  // Nothing is trimmed, since every entry is counted at the end.
  STREAM_RETENTION_MS: "86400000",
  // At this level the routers print that they are ready.
  LOG_LEVEL: "info",
} as const;

/** Starts the servers and prepares the routers, which the caller starts. */
export async function openStage(
  { setting, routers }: { readonly setting: Setting; readonly routers: number },
  onMisbehaviour: (text: string) => void,
): Promise<Stage> {
  const servers = await startTortureRedis(setting, routers);
  const postgresServer = await startPostgres().catch(async (error: unknown) => {
    await servers.stop();
    throw error;
  });
  const keys = keysOf(servers.keyPrefix);
  const connections: Redis[] = [];
  const connect = (name: string): Redis => {
    const redis = openRedis({
      url: servers.url,
      key: keys.stream("signals_stream"),
      leaseMs: LEASE_MS,
      role: "commands",
      name,
      onError: () => undefined,
    });
    connections.push(redis);
    return redis;
  };
  const { url } = postgresServer;
  const database = await openDatabase({ url, dataDir: "", onError: () => undefined });
  const folder = await serverFolder("torture");
  const begunPath = join(folder, "begun");
  await writeFile(begunPath, "");
  const env = {
    ...ROUTER_ENV,
    DATABASE_URL: url,
    KEY_PREFIX: keys.prefix,
    REDIS_REPLICAS_MIN: String(servers.replicasMin),
    [BEGUN_VARIABLE]: begunPath,
  };
  let stopped = 0;
  let startedAt = 0;
  const clocks = await clocksFor(routers);
  const ports = await Promise.all(Array.from({ length: routers }, freePort));
  const readiness = watchReadiness(ports);
  const serversAvailableSince = (): number => (stopped > 0 ? Infinity : startedAt);
  const outage = async (step: () => Promise<void>): Promise<void> => {
    stopped += 1;
    await step().finally(() => {
      stopped -= 1;
      startedAt = Date.now();
    });
  };
  const slots = servers.routerUrls.map((redisUrl, i) =>
    routerSlot({
      name: `router ${i + 1}`,
      env: { ...env, ...clocks[i]?.env, REDIS_URL: redisUrl, HTTP_PORT: String(ports[i]) },
      shutdownMsMax: SHUTDOWN_MS_MAX,
      serversAvailableSince,
      onMisbehaviour,
    }),
  );
  return {
    servers,
    postgresServer,
    routers: slots,
    relays: servers.relays,
    clocks,
    keys,
    readiness,
    begunPath,
    outage,
    async confirm(redis) {
      const { replicasMin } = servers;
      if (replicasMin > 0 && (await redis.wait(replicasMin, CONFIRM_MS_MAX)) < replicasMin)
        throw new Error("too few replicas have it");
    },
    redis: connect("watch"),
    database,
    connect,
    restart: async (server, forMs) =>
      outage(async () => {
        await server.kill();
        await pause(forMs);
        // While the server was stopped, the local end of a client's connection may have taken its port for a moment.
        await untilDone(async () => server.start());
      }),
    async close() {
      for (const slot of slots) slot.destroy();
      for (const redis of connections) redis.disconnect();
      await readiness.stop();
      await database.close();
      await Promise.all(clocks.map(async (clock) => clock.remove()));
      await Promise.all([servers.stop(), postgresServer.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** None when libfaketime can neither be found nor installed. */
async function clocksFor(routers: number): Promise<readonly SettableClock[]> {
  try {
    return await Promise.all(Array.from({ length: routers }, settableClock));
  } catch (error) {
    console.log(`no clock is set in this run: ${messageOf(error)}`);
    return [];
  }
}

/** Asks the routers to refresh the reference now; a router that is not connected misses it, as with any PUBLISH. */
export async function announceReference(redis: Redis): Promise<void> {
  await redis.publish(CHANNEL, "changed");
}

/** Repeats a step until it succeeds: for the run's own steps, which must happen although servers stop and start. */
export async function untilDone<T>(step: () => Promise<T>): Promise<T> {
  return pRetry(step, { retries: 600, minTimeout: 50, maxTimeout: 200 });
}

/** Redis' clock in milliseconds. */
export async function redisTime(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
}
