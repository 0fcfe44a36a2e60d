import { Redis } from "ioredis";
import { Client } from "pg";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { keysOf, type Keys } from "../../../shared/keys.ts";
import { referenceRows, signalFields } from "../../builders.ts";
import type { FreshDatabase } from "../../servers/database.ts";
import { freshPrefix, migratedDatabase } from "../../servers/fixtures.ts";
import { insertReference, sql } from "../../servers/insert-reference.ts";
import { startRedis, type RedisServer } from "../../servers/redis.ts";
import {
  gatewayEvent,
  startInstance,
  useInstances,
  type LambdaResult,
  type TestInstance,
} from "./serverless-fixture.ts";

const TOKEN = "a-token-of-the-tests";
const HEADERS = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
const FORCE = { from: "2020-01-01", mode: "force", by: "ann", reason: "the broker lost them" };
/** More than a batch, so that what is answered in lines is still at work when the answer begins. */
const COUNT = 300;
const UNTIL = { timeout: 20_000 };

let server: RedisServer;
let redis: Redis;
let keys: Keys;
let database: FreshDatabase;
let postgres: Client;
let instance: TestInstance;

beforeEach(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  keys = keysOf(freshPrefix());
  database = await migratedDatabase();
  await insertReference(database.url, referenceRows());
  postgres = new Client({ connectionString: database.url });
  await postgres.connect();
  instance = await startInstance("runner/lambda.ts", {
    REDIS_URL: server.url,
    DATABASE_URL: database.url,
    KEY_PREFIX: keys.prefix,
    HTTP_TOKEN: TOKEN,
  });
});

afterEach(async () => {
  redis.disconnect();
  await server.stop();
  await postgres.end();
  await database.drop();
});
useInstances();

const call = async (method: string, path: string, more: { body?: object; accept?: string } = {}) =>
  instance.ask({
    event: gatewayEvent({
      method,
      path,
      headers: { ...HEADERS, ...(more.accept === undefined ? {} : { accept: more.accept }) },
      ...(more.body === undefined ? {} : { body: JSON.stringify(more.body) }),
    }),
  });

/** Names of the instance's connections to Redis. */
async function connections(): Promise<string[]> {
  const lines = String(await redis.call("CLIENT", "LIST")).split("\n");
  return lines
    .map((line) => / name=(\S+)/.exec(line)?.[1] ?? "")
    .filter((name) => name.includes(`-${instance.pid}-`));
}

/** Signals that have been decided, and where a replay of them waits until the transaction ends. */
async function holdReplays(): Promise<void> {
  for (let n = 0; n < COUNT; n += 1)
    await redis.xadd(
      keys.stream("signals_stream"),
      "*",
      ...Object.entries(signalFields({ uid: `u${n}` })).flat(),
    );
  expect(await call("POST", "/tick")).toMatchObject({ statusCode: 200 });
  await redis.xtrim(keys.stream("strategy_input_stream"), "MAXLEN", 0);
  await postgres.query("BEGIN");
  await postgres.query("LOCK TABLE signal_log_entries IN ACCESS EXCLUSIVE MODE");
}

async function replayIsHeld(): Promise<void> {
  const held =
    "SELECT 1 FROM pg_locks WHERE relation = 'signal_log_entries'::regclass AND NOT granted AND mode = 'AccessShareLock'";
  await vi.waitFor(async () => expect(await sql(database.url, held)).toHaveLength(1), UNTIL);
}

/** Asks while Redis stands still, so that the instance is given up. */
async function askInVain(): Promise<LambdaResult> {
  process.kill(server.pid, "SIGSTOP");
  try {
    return await call("GET", "/healthz");
  } finally {
    process.kill(server.pid, "SIGCONT");
  }
}

describe("an instance that is replaced", () => {
  test.each(["application/json", "application/x-ndjson"])(
    "keeps its connections until what is under way on them is answered as %s",
    async (accept) => {
      await holdReplays();
      const before = await connections();
      // One for commands, and, since the tick has held groups, one for their leases.
      expect(before).toHaveLength(2);
      const replay = call("POST", "/replays", { body: FORCE, accept });
      await replayIsHeld();

      expect(await askInVain()).toMatchObject({ statusCode: 503 });
      expect(await call("GET", "/healthz")).toMatchObject({ statusCode: 200 });
      const both = await connections();
      expect(both).toHaveLength(3);
      expect(both).toEqual(expect.arrayContaining(before));

      await postgres.query("COMMIT");
      const { statusCode, body } = await replay;
      expect(statusCode).toBe(200);
      expect(body).not.toContain('"problem"');
      expect(await redis.xlen(keys.stream("strategy_input_stream"))).toBe(COUNT);
      await vi.waitFor(
        async () => expect(await connections()).toEqual(both.filter((name) => !before.includes(name))),
        UNTIL,
      );
    },
  );

  test("is closed at once when nothing is under way on it", async () => {
    await call("GET", "/healthz");
    const before = await connections();
    expect(await askInVain()).toMatchObject({ statusCode: 503 });
    await vi.waitFor(async () => expect(await connections()).toEqual([]), UNTIL);
    expect(await call("GET", "/healthz")).toMatchObject({ statusCode: 200 });
    expect(await connections()).not.toEqual(before);
  });
});
