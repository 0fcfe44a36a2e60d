import type { Redis } from "ioredis";
import { Redis as RedisClient } from "ioredis";
import { afterAll, beforeAll, expect, vi } from "vitest";
import * as z from "zod";
import { openDatabase } from "../../../shared/io/postgres/open-database.ts";
import { keysOf } from "../../../shared/keys.ts";
import { referenceRows, signalFields, signalRow, strategyRow, tickerRow } from "../../builders.ts";
import { startReceiver, type Receiver } from "../../servers/http-receiver.ts";
import { insertReference, sql } from "../../servers/insert-reference.ts";
import { startPostgres, type PostgresServer } from "../../servers/postgres.ts";
import { startRedis, type RedisServer } from "../../servers/redis.ts";
import { startRouterProcess, startScript, type RouterProcess } from "../../servers/router-process.ts";

/** One router that does everything, with servers of its own that may be maltreated. */
export interface FailingStage {
  readonly keys: ReturnType<typeof keysOf>;
  readonly redis: Redis;
  readonly redisServer: RedisServer;
  readonly postgresServer: PostgresServer;
  /** What the receiver of strategy 1's orders answers; `undefined`: nothing until the next change. */
  answer: number | undefined;
  health(): Promise<Readiness>;
  /** Waits until health is this, with each of these reasons. */
  untilHealth(status: Readiness["status"], ...reasons: readonly RegExp[]): Promise<void>;
  /** Adds a signal for the strategies of this signal id; returns its entry id. */
  readonly publish: (signalId?: number) => Promise<string>;
  readonly sql: (statement: string) => Promise<Record<string, unknown>[]>;
  /** Runs a command of the CLI to its end. */
  cli(...args: string[]): Promise<string>;
}

const readiness = z.object({
  status: z.enum(["ready", "degraded", "not_ready"]),
  reasons: z.array(z.string()),
});
export type Readiness = z.infer<typeof readiness>;

/** What the issue of health allows: a fault is named within it, and its end is seen within it. */
export const HEALTH_MS_MAX = 10_000;
const TOKEN = "a-token-of-the-tests";
const REFRESH_MS = 1_000;

/** Opens it once for all tests of the file. */
export function useFailingStage(): FailingStage {
  let redisServer: RedisServer;
  let postgresServer: PostgresServer;
  let redis: Redis;
  let receiver: Receiver;
  let router: RouterProcess;
  let url = "";
  const env: Record<string, string> = {};
  const held: (() => void)[] = [];
  let published = 0;

  beforeAll(async () => {
    [redisServer, postgresServer] = await Promise.all([
      startRedis({ aof: "everysec", canBeFull: true }),
      startPostgres(),
    ]);
    redis = new RedisClient(redisServer.url, { maxRetriesPerRequest: null });
    redis.on("error", () => undefined);
    receiver = await startReceiver((response) => {
      const respond = (): void => {
        response.statusCode = stage.answer ?? 200;
        response.end();
      };
      if (stage.answer === undefined) held.push(respond);
      else respond();
    });
    const database = await openDatabase({ url: postgresServer.url, dataDir: "", onError: () => undefined });
    await database.migrate();
    await database.close();
    await insertReference(postgresServer.url, reference(receiver.url));
    Object.assign(env, {
      REDIS_URL: redisServer.url,
      DATABASE_URL: postgresServer.url,
      HTTP_TOKEN: TOKEN,
      HTTP_PORT: "0",
      REFERENCE_REFRESH_MS: String(REFRESH_MS),
      CLAIM_IDLE_MS: "2000",
      BLOCK_MS: "500",
      STRATEGY_PRIVATE_ADDRESSES: "true",
      STRATEGY_TIMEOUT_MS: "60000",
    });
    router = await startRouterProcess(env);
    url = /"http":"(http:\/\/[\w.]+:\d+)"/.exec(router.output())?.[1] ?? "";
    await stage.untilHealth("ready");
  }, 120_000);

  afterAll(async () => {
    router?.signal("SIGKILL");
    await router?.ended();
    redis?.disconnect();
    await Promise.all([receiver?.close(), redisServer?.stop(), postgresServer?.stop()]);
  });

  let answer: number | undefined = 200;
  const stage: FailingStage = {
    keys: keysOf(""),
    get redis() {
      return redis;
    },
    get redisServer() {
      return redisServer;
    },
    get postgresServer() {
      return postgresServer;
    },
    get answer() {
      return answer;
    },
    set answer(status) {
      answer = status;
      if (status !== undefined) for (const respond of held.splice(0)) respond();
    },
    async health() {
      const response = await fetch(`${url}/readyz`);
      return readiness.parse(await response.json());
    },
    async untilHealth(status, ...reasons) {
      await vi.waitFor(
        async () => {
          const health = await stage.health();
          expect(health).toMatchObject({ status });
          for (const reason of reasons) expect(health.reasons.join("\n")).toMatch(reason);
          if (status === "ready") expect(health.reasons).toEqual([]);
        },
        { timeout: HEALTH_MS_MAX, interval: 100 },
      );
    },
    publish: async (signalId = 1) => {
      published += 1;
      const fields = signalFields({ message: `SIGNAL_${signalId}_LONG`, uid: `u${published}` });
      return String(
        await redis.xadd(stage.keys.stream("signals_stream"), "*", ...Object.entries(fields).flat()),
      );
    },
    sql: async (statement) => sql(postgresServer.url, statement),
    async cli(...args) {
      const command = startScript("runner/cli.ts", env, args);
      const code = await command.ended();
      if (code !== 0) throw new Error(`cli ${args.join(" ")} ended with ${code}: ${command.output()}`);
      return command.output();
    },
  };
  return stage;
}

/** Signal 1 goes to a webhook, signal 2 to a strategy that only logs. */
function reference(url: string) {
  return referenceRows({
    tickers: [tickerRow("BTCUSDT")],
    signals: [signalRow(1), signalRow(2)],
    strategies: [
      strategyRow(1, { name: "Trend follower", handler: "webhook", params: { url: `${url}/orders` } }),
      strategyRow(2, { name: "Night watch", handler: "log" }),
    ],
    strategy_signals: [
      { strategy_id: 1, signal_id: 1 },
      { strategy_id: 2, signal_id: 2 },
    ],
  });
}
