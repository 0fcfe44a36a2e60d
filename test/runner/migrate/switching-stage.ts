import { spawnSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, inject, vi } from "vitest";
import { loadOldSystem } from "../../old-systems/load-old-system.ts";
import { startOldRouter, type OldRouter } from "../../old-systems/old-router.ts";
import type { FreshDatabase } from "../../servers/database.ts";
import { installPackage } from "../../servers/debian-package.ts";
import { freshDatabase } from "../../servers/fixtures.ts";
import { serverFolder } from "../../servers/folder.ts";
import { sql } from "../../servers/insert-reference.ts";
import { startRedis, type RedisServer } from "../../servers/redis.ts";

export type System = "v4" | "v2";

/** An old system, with a Redis and a database of its own, in which its router trades. */
export interface SwitchingStage {
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly databaseUrl: string;
  /** The home folder of the person who switches. */
  readonly home: string;
  /** Fills the database as the system's, and starts its router. */
  begin(system: System): Promise<OldRouter>;
  startOldRouter(system: System): Promise<OldRouter>;
  /** A signal as producers send it, of the next bar unless it is given one; returns its entry id. */
  send(fields: SignalFields): Promise<string>;
  count(from: string): Promise<number>;
  /** Waits until both logs have so many rows; the names are those of {@link count}. */
  untilCounted(expected: Readonly<Record<string, number>>): Promise<void>;
  sql(statement: string): Promise<Record<string, unknown>[]>;
}

export type SignalFields = Readonly<Record<string, string>>;

/** Commands of the guide, and the packages that have them. */
const TYPED = { psql: "postgresql-client", "redis-cli": "redis-tools", curl: "curl", openssl: "openssl" };
export const UNTIL = { timeout: 60_000, interval: 50 };

/** A new one for each test of the file that calls this. */
export function useSwitchingStage(): SwitchingStage {
  let own: { server: RedisServer; redis: Redis; database: FreshDatabase; home: string } | undefined;
  let routers: OldRouter[] = [];
  let bars = 0;
  const made = () => {
    if (own === undefined) throw new Error("the stage exists only during a test: use it there");
    return own;
  };

  beforeEach(async () => {
    for (const [command, of] of Object.entries(TYPED)) if (!isInstalled(command)) installPackage(of);
    const [server, database, home] = await Promise.all([startRedis(), freshDatabase(), serverFolder("home")]);
    own = { server, redis: new Redis(server.url), database, home };
  });
  afterEach(async () => {
    await Promise.all(routers.map(async (router) => router.stop()));
    routers = [];
    const { redis, server, database, home } = made();
    redis.disconnect();
    await server.stop();
    await database.drop();
    await sql(inject("postgresUrl"), "DROP ROLE IF EXISTS signal_router");
    await rm(home, { recursive: true });
  });

  const stage: SwitchingStage = {
    get redis() {
      return made().redis;
    },
    get redisUrl() {
      return made().server.url;
    },
    get databaseUrl() {
      return made().database.url;
    },
    get home() {
      return made().home;
    },
    async begin(system) {
      await loadOldSystem(stage.databaseUrl, system);
      return stage.startOldRouter(system);
    },
    async startOldRouter(system) {
      const { redisUrl, databaseUrl } = stage;
      const router = await startOldRouter({ redisUrl, databaseUrl, system });
      routers.push(router);
      return router;
    },
    async send(fields) {
      bars += 1;
      const bar = new Date(Date.UTC(2026, 0, 5, 0, bars)).toISOString().slice(0, 19);
      const received = new Date().toISOString().slice(0, 23);
      const given = {
        symbol: "BTCUSDT",
        bar_time: bar,
        received_at: received,
        source: "indicator",
        ...fields,
      };
      return String(await stage.redis.xadd("signals_stream", "*", ...Object.entries(given).flat()));
    },
    async count(from) {
      return Number((await stage.sql(`SELECT count(*)::int AS n FROM ${from}`))[0]?.["n"]);
    },
    async untilCounted(expected) {
      await vi.waitFor(async () => {
        for (const [from, count] of Object.entries(expected))
          expect([from, await stage.count(from)]).toEqual([from, count]);
      }, UNTIL);
    },
    sql: async (statement) => sql(stage.databaseUrl, statement),
  };
  return stage;
}

function isInstalled(command: string): boolean {
  return spawnSync("sh", ["-c", 'command -v "$0"', command]).status === 0;
}
