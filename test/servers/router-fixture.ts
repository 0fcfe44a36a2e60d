import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { keysOf, type Keys } from "../../shared/keys.ts";
import type { FreshDatabase } from "./database.ts";
import { freshPrefix, migratedDatabase, redisUrl } from "./fixtures.ts";
import { sql } from "./insert-reference.ts";
import { startRouterProcess, startScript, type RouterProcess } from "./router-process.ts";

/** A new prefix and a migrated database for one test, and the routers that it starts on them. */
export interface RouterFixture {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly databaseUrl: string;
  /** Environment of every router and command that is started after a change of it. */
  readonly env: Record<string, string>;
  /** Starts a router; it is killed after the test. */
  start(): Promise<RouterProcess>;
  /** Starts a script of the repository; it is killed after the test. */
  spawn(script: string, ...args: string[]): RouterProcess;
  /** Runs a script of runner/ until it exits; returns its exit code and output. */
  run(script: string, ...args: string[]): Promise<{ code: number | NodeJS.Signals; output: string }>;
  sql(statement: string, params?: unknown[]): Promise<Record<string, unknown>[]>;
  /** Adds a signal; returns its entry id. */
  publish(fields: Readonly<Record<string, string | Buffer>>): Promise<string>;
  /** Waits until every signal is decided and logged, and no entry is pending. */
  settled(): Promise<void>;
}

/** Creates a new fixture before each test of the file and cleans up after it. `database`: default a migrated, empty one. */
export function useRouters({ database = migratedDatabase } = {}): RouterFixture {
  const own: {
    redis?: Redis;
    keys: Keys;
    database?: FreshDatabase;
    env: Record<string, string>;
    routers: RouterProcess[];
  } = {
    keys: keysOf(""),
    env: {},
    routers: [],
  };

  beforeEach(async () => {
    own.redis = new Redis(redisUrl());
    own.keys = keysOf(freshPrefix());
    own.routers = [];
    own.database = await database();
    own.env = {
      REDIS_URL: redisUrl(),
      DATABASE_URL: own.database.url,
      KEY_PREFIX: own.keys.prefix,
      CLAIM_IDLE_MS: "1000",
      BLOCK_MS: "200",
      // Tests of execution add execute-strategies.
      FUNCTIONS: "process-signals,persist-log,refresh-reference,reclaim,trim",
    };
  });

  afterEach(async () => {
    for (const router of own.routers) router.signal("SIGKILL");
    await Promise.all(own.routers.map(async (router) => router.ended()));
    own.redis?.disconnect();
    await own.database?.drop();
  });

  const fixture: RouterFixture = {
    get redis() {
      if (own.redis === undefined) throw new Error("the fixture exists only during a test: use it there");
      return own.redis;
    },
    get keys() {
      return own.keys;
    },
    get databaseUrl() {
      return own.database?.url ?? "";
    },
    get env() {
      return own.env;
    },
    async start() {
      const router = await startRouterProcess(own.env);
      own.routers.push(router);
      return router;
    },
    async run(script, ...args) {
      const process = fixture.spawn(`runner/${script}`, ...args);
      return { code: await process.ended(), output: process.output() };
    },
    spawn(script, ...args) {
      const process = startScript(script, own.env, args);
      own.routers.push(process);
      return process;
    },
    sql: async (statement, params) => sql(fixture.databaseUrl, statement, params),
    async publish(fields) {
      return String(
        await fixture.redis.xadd(own.keys.stream("signals_stream"), "*", ...Object.entries(fields).flat()),
      );
    },
    async settled() {
      const until = { timeout: 60_000, interval: 100 };
      await vi.waitFor(async () => {
        const added = await fixture.redis.xlen(own.keys.stream("signals_stream"));
        const results = await fixture.redis.xlen(own.keys.stream("signal_results"));
        const [logged] = await fixture.sql("SELECT count(*)::int AS n FROM signal_log");
        expect({ results, logged: logged?.["n"] }).toEqual({ results: added, logged: added });
      }, until);
      // A pending entry could be processed again.
      await vi.waitFor(async () => {
        const signals = await fixture.redis.xpending(own.keys.stream("signals_stream"), "signal_processor");
        const results = await fixture.redis.xpending(own.keys.stream("signal_results"), "log_writer");
        expect([signals[0], results[0]]).toEqual([0, 0]);
      }, until);
    },
  };
  return fixture;
}
