import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { keysOf } from "../../shared/keys.ts";
import { mixedReference } from "../mixed-signals.ts";
import { insertReference } from "../servers/insert-reference.ts";
import { startRedis, type RedisServer } from "../servers/redis.ts";
import type { RouterFixture } from "../servers/router-fixture.ts";

export const KEYS = keysOf("");

/** A Redis that may be maltreated, unlike the one all test files share. */
export interface OwnRedis {
  readonly server: RedisServer;
  readonly redis: Redis;
  /** Adds a signal that four strategies take. */
  readonly publish: () => Promise<void>;
  readonly untilDecided: (entries: number) => Promise<void>;
  readonly untilLogged: (rows: number) => Promise<void>;
}

/** Starts it before each test of the file, makes the routers use it, and ends it after the test. */
export function useOwnRedis(router: RouterFixture): OwnRedis {
  let own: { server: RedisServer; redis: Redis } | undefined;
  const there = (): NonNullable<typeof own> => {
    if (own === undefined) throw new Error("the server is there during a test only");
    return own;
  };
  beforeEach(async () => {
    const server = await startRedis();
    const redis = new Redis(server.url);
    redis.on("error", () => undefined);
    own = { server, redis };
    await insertReference(router.databaseUrl, mixedReference());
    Object.assign(router.env, { REDIS_URL: server.url, KEY_PREFIX: "", REFERENCE_REFRESH_MS: "3600000" });
  });
  afterEach(async () => {
    own?.redis.disconnect();
    await own?.server.stop();
  });
  let count = 0;
  return {
    get server() {
      return there().server;
    },
    get redis() {
      return there().redis;
    },
    async publish() {
      count += 1;
      const signal = {
        message: "SIGNAL_1_LONG",
        symbol: "BTCUSDT",
        bar_time: "2026-01-01T00:00:00Z",
        uid: `u${count}`,
      };
      await there().redis.xadd(KEYS.stream("signals_stream"), "*", ...Object.entries(signal).flat());
    },
    async untilDecided(entries) {
      await vi.waitFor(
        async () => {
          expect(await there().redis.xlen(KEYS.stream("signal_results"))).toBe(entries);
          expect(await there().redis.xlen(KEYS.stream("strategy_input_stream"))).toBe(entries * 4);
        },
        { timeout: 20_000, interval: 50 },
      );
    },
    async untilLogged(rows) {
      await vi.waitFor(
        async () =>
          expect(await router.sql("SELECT count(*)::int AS n FROM signal_log")).toEqual([{ n: rows }]),
        { timeout: 20_000, interval: 100 },
      );
    },
  };
}
