import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import pRetry from "p-retry";
import type { Database } from "../../shared/io/postgres/database.ts";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import { openRedis } from "../../shared/io/redis/connection.ts";
import { keysOf, type Keys } from "../../shared/keys.ts";
import { startPostgres, type PostgresServer } from "../servers/postgres.ts";
import { startRedis, type RedisServer } from "../servers/redis.ts";
import { routerSlot, type RouterSlot } from "./router-slot.ts";

/** What a run takes place on: servers of its own, routers, and connections to watch them by. */
export interface Stage {
  readonly redisServer: RedisServer;
  readonly postgresServer: PostgresServer;
  readonly routers: readonly RouterSlot[];
  readonly keys: Keys;
  /** For watching and pausing. Breaks with the server, so use it within {@link untilDone}. */
  readonly redis: Redis;
  readonly database: Database;
  /** Another connection for commands, closed with the stage. */
  connect(name: string): Redis;
  /** Kills a server, waits, and starts it again. */
  restart(server: RedisServer | PostgresServer, forMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Everything the routers are given is short, so that minutes hold what else takes hours. */
export const CLAIM_IDLE_MS = 1_000;
const SHUTDOWN_MS_MAX = 5_000;
const CHANNEL = "torture_reference";

const ROUTER_ENV = {
  CLAIM_IDLE_MS: String(CLAIM_IDLE_MS),
  SHUTDOWN_MS_MAX: String(SHUTDOWN_MS_MAX),
  BLOCK_MS: "200",
  BATCH_COUNT_MAX: "50",
  REFERENCE_REFRESH_MS: "500",
  REFERENCE_CHANNELS: CHANNEL,
  // A kill counts as a delivery of what was in hand, and here one entry may be in hand at many kills. Nobody claims an
  // entry more than once per CLAIM_IDLE_MS, so this takes eleven days: no innocent entry becomes a dead letter.
  DELIVERIES_MAX: "1000000",
  // Nothing is trimmed, since everything is counted in the end.
  STREAM_RETENTION_MS: "86400000",
  // The routers say at this level that they run.
  LOG_LEVEL: "info",
} as const;

/** Starts the servers and prepares the routers, which the caller starts. */
export async function openStage(routers: number, onMisbehaviour: (text: string) => void): Promise<Stage> {
  const redisServer = await startRedis();
  const postgresServer = await startPostgres().catch(async (error: unknown) => {
    await redisServer.stop();
    throw error;
  });
  const keys = keysOf("torture:");
  const connections: Redis[] = [];
  const connect = (name: string): Redis => {
    const redis = openRedis({ url: redisServer.url, role: "commands", name, onError: () => undefined });
    connections.push(redis);
    return redis;
  };
  const { url } = postgresServer;
  const database = await openDatabase({ url, dataDir: "", onError: () => undefined });
  const env = { ...ROUTER_ENV, REDIS_URL: redisServer.url, DATABASE_URL: url, KEY_PREFIX: keys.prefix };
  let away = 0;
  let backAt = 0;
  const calmSince = (): number => (away > 0 ? Infinity : backAt);
  const slots = Array.from({ length: routers }, (_, i) =>
    routerSlot({ name: `router ${i + 1}`, env, shutdownMsMax: SHUTDOWN_MS_MAX, calmSince, onMisbehaviour }),
  );
  return {
    redisServer,
    postgresServer,
    routers: slots,
    keys,
    redis: connect("watch"),
    database,
    connect,
    async restart(server, forMs) {
      away += 1;
      await server.kill();
      await pause(forMs);
      // While nobody listened, a client's own end of a connection may have taken the port for a moment.
      await untilDone(async () => server.start());
      away -= 1;
      backAt = Date.now();
    },
    async close() {
      for (const slot of slots) slot.abandon();
      for (const redis of connections) redis.disconnect();
      await database.close();
      await Promise.all([redisServer.stop(), postgresServer.stop()]);
    },
  };
}

/** Asks the routers to look at the reference now; lost when they do not listen, as PUBLISH is. */
export async function announceReference(redis: Redis): Promise<void> {
  await redis.publish(CHANNEL, "changed");
}

/** Tries until it works: for the run's own steps, which must happen although servers come and go. */
export async function untilDone<T>(step: () => Promise<T>): Promise<T> {
  return pRetry(step, { retries: 600, minTimeout: 50, maxTimeout: 200 });
}

/** Redis' clock in milliseconds. */
export async function redisTime(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
}
