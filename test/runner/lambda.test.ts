import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import { keysOf, type Keys } from "../../shared/keys.ts";
import { mixedReference } from "../mixed-signals.ts";
import type { FreshDatabase } from "../servers/database.ts";
import { freshDatabase, freshPrefix, redisUrl } from "../servers/fixtures.ts";
import { insertReference, sql } from "../servers/insert-reference.ts";
import { startRedis } from "../servers/redis.ts";
import { startRelay, type Relay } from "../servers/relay.ts";
import {
  gatewayEvent,
  startInstance,
  useInstances,
  type EventOptions,
  type LambdaResult,
  type TestInstance,
} from "./serverless/serverless-fixture.ts";

const TOKEN = "a-token-of-the-tests";
const SECRET = "a-secret-of-the-tests";
const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };
const JSON_TYPE = { "content-type": "application/json" };

let redis: Redis;
let keys: Keys;
let database: FreshDatabase;
let env: Record<string, string>;
let relay: Relay | undefined;

beforeEach(async () => {
  redis = new Redis(redisUrl());
  keys = keysOf(freshPrefix());
  database = await freshDatabase();
  const db = await openDatabase({ url: database.url, dataDir: "", onError: () => undefined });
  await db.migrate();
  await db.close();
  env = {
    REDIS_URL: redisUrl(),
    DATABASE_URL: database.url,
    KEY_PREFIX: keys.prefix,
    HTTP_TOKEN: TOKEN,
    WEBHOOK_SECRET: SECRET,
  };
});

afterEach(async () => {
  redis.disconnect();
  await relay?.stop();
  relay = undefined;
  await database.drop();
});
useInstances();

const lambda = async (): Promise<TestInstance> => startInstance("runner/lambda.ts", env);
const invoke = async (instance: TestInstance, options: EventOptions, laterMs = 0): Promise<LambdaResult> =>
  instance.ask({ event: gatewayEvent({ headers: AUTHORIZED, ...options }), laterMs });
const SEARCH = { method: "GET", path: "/signals", query: "symbol=BTCUSDT&limit=5" };
const PAUSE = {
  method: "POST",
  path: "/pause",
  headers: { ...AUTHORIZED, ...JSON_TYPE },
  body: JSON.stringify({ by: "ann" }),
};

describe("events of API Gateway", () => {
  test("a GET with a query, a POST in base64, bytes as an answer, and what there is not", async () => {
    const instance = await lambda();
    const found = await invoke(instance, SEARCH);
    expect(found).toMatchObject({ statusCode: 200, isBase64Encoded: false });
    expect(found.headers["content-type"]).toContain("application/json");
    expect(JSON.parse(found.body)).toMatchObject({ signals: [] });

    const body = Buffer.from(JSON.stringify({ by: "Zoë" }));
    expect(await invoke(instance, { ...PAUSE, body })).toMatchObject({
      statusCode: 200,
      body: expect.stringContaining("paused by Zoë"),
    });
    expect(await redis.hkeys(keys.control)).toContain("*");

    const picture = await invoke(instance, { method: "GET", path: "/docs/favicon-32x32.png" });
    expect(picture).toMatchObject({ statusCode: 200, isBase64Encoded: true });
    expect(Buffer.from(picture.body, "base64").toString("latin1")).toMatch(/^\x89PNG/);

    const missing = await invoke(instance, { method: "GET", path: "/nowhere" });
    expect({ status: missing.statusCode, problem: JSON.parse(missing.body) }).toMatchObject({
      status: 404,
      problem: { code: "no_such_route" },
    });
    expect(await invoke(instance, { ...SEARCH, headers: {} })).toMatchObject({ statusCode: 401 });
  });

  test("the address they come from is the one the webhook's list is about", async () => {
    env["WEBHOOK_ALLOW_CIDRS"] = "192.0.2.0/24";
    const instance = await lambda();
    const alert = {
      method: "POST",
      path: `/webhooks/tradingview/${SECRET}`,
      body: JSON.stringify({ message: "A", symbol: "B", time: "2026-01-01T00:00:00Z" }),
      headers: {},
    };
    expect(await invoke(instance, { ...alert, sourceIp: "192.0.2.9" })).toMatchObject({ statusCode: 202 });
    expect(await invoke(instance, { ...alert, sourceIp: "198.51.100.1" })).toMatchObject({ statusCode: 403 });
    expect(await redis.xlen(keys.stream("signals_stream"))).toBe(1);
  });

  test("a signal that waits is decided and logged by one POST /tick, with no runner anywhere", async () => {
    await insertReference(database.url, mixedReference());
    const fields = { message: "SIGNAL_1_LONG", symbol: "BTCUSDT", bar_time: "2026-01-01T00:00:00Z" };
    await redis.xadd(keys.stream("signals_stream"), "*", ...Object.entries(fields).flat());
    const instance = await lambda();
    const answer = await invoke(instance, { method: "POST", path: "/tick" });
    expect({ status: answer.statusCode, body: answer.body }).toMatchObject({ status: 200 });
    expect(await redis.xlen(keys.stream("strategy_input_stream"))).toBe(4);
    expect(await sql(database.url, "SELECT status FROM signal_log")).toEqual([{ status: "dispatched" }]);
  });
});

describe("starting", () => {
  test("nothing is connected before the first request, and requests at the same time share one start", async () => {
    const instance = await lambda();
    const connections = async () =>
      String(await redis.call("CLIENT", "LIST"))
        .split("\n")
        .filter((line) => line.includes(`-${instance.pid}-`) && line.includes(":commands"));
    expect(await connections()).toEqual([]);
    const answers = await Promise.all(Array.from({ length: 10 }, async () => invoke(instance, SEARCH)));
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
    expect(await connections()).toHaveLength(1);
  });

  test("a bad environment is a 503 that names variables, and one line of the log that says what is wrong", async () => {
    env = { REDIS_URL: "redis://user:hunter2@", BLOCK_MS: "never", DATABASE_URL: "" };
    const instance = await lambda();
    const { statusCode, body } = await invoke(instance, SEARCH);
    expect(statusCode).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ code: "misconfigured" });
    for (const name of ["REDIS_URL", "BLOCK_MS", "DATABASE_URL", "HTTP_TOKEN"]) expect(body).toContain(name);
    expect(body).not.toMatch(/never|hunter2/);
    await vi.waitFor(() => expect(instance.output()).toContain("\n"));
    const lines = instance.output().trim().split("\n");
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      level: 60,
      msg: expect.stringMatching(/REDIS_URL.*BLOCK_MS is "never".*DATABASE_URL.*HTTP_TOKEN/),
    });
    expect(lines[0]).not.toContain("hunter2");
  });

  test("a start that failed is tried again at the next request", async () => {
    const server = await startRedis();
    try {
      await server.kill();
      env["REDIS_URL"] = server.url;
      const instance = await lambda();
      const { statusCode, body } = await invoke(instance, PAUSE);
      expect({ statusCode, problem: JSON.parse(body) }).toMatchObject({
        statusCode: 503,
        problem: { code: "unavailable" },
      });
      await server.start();
      expect(await invoke(instance, PAUSE)).toMatchObject({ statusCode: 200 });
    } finally {
      await server.stop();
    }
  });
});

describe("between two requests", () => {
  test("everything said is in Redis before the answer is, since the instance may be frozen then", async () => {
    const server = await startRedis();
    const own = new Redis(server.url);
    try {
      env["REDIS_URL"] = server.url;
      const instance = await lambda();
      await invoke(instance, SEARCH);
      await own.call("CLIENT", "PAUSE", "200", "WRITE");
      const answer = await invoke(instance, {
        method: "POST",
        path: "/webhooks/tradingview/wrong",
        headers: {},
        body: "{}",
      });
      instance.freeze();
      expect(answer.statusCode).toBe(401);
      expect(await own.xlen(keys.stream("system_events"))).toBe(1);
    } finally {
      own.disconnect();
      await server.stop();
    }
  });

  test.each([
    ["soon after", 0],
    ["long after", 3_600_000],
  ])("connections that Redis has closed are made anew, %s", async (_, laterMs) => {
    const instance = await lambda();
    expect(await invoke(instance, PAUSE)).toMatchObject({ statusCode: 200 });
    instance.freeze();
    const clients = String(await redis.call("CLIENT", "LIST")).split("\n");
    const own = clients.filter((line) => line.includes(`-${instance.pid}-`));
    expect(own).toHaveLength(2);
    for (const line of own) await redis.call("CLIENT", "KILL", "ID", /^id=(\d+)/.exec(line)?.[1] ?? "");
    instance.thaw();
    expect(await invoke(instance, PAUSE, laterMs)).toMatchObject({ statusCode: 200 });
  });

  test("connections that have gone silent are made anew", async () => {
    relay = await startRelay(Number(new URL(redisUrl()).port));
    env["REDIS_URL"] = `redis://127.0.0.1:${relay.port}`;
    const instance = await lambda();
    expect(await invoke(instance, PAUSE)).toMatchObject({ statusCode: 200 });
    relay.silence();
    expect(await invoke(instance, PAUSE, 60_000)).toMatchObject({ statusCode: 200 });
    // Not found out by the client's own limit, which is longer than TradingView waits.
    expect(instance.output()).toMatch(/no answer within \d+ ms; connecting again/);
    const alert = JSON.stringify({ message: "A", symbol: "B", time: "2026-01-01T00:00:00Z" });
    expect(
      await invoke(instance, { method: "POST", path: `/webhooks/tradingview/${SECRET}`, body: alert }),
    ).toMatchObject({ statusCode: 202 });
  });

  test("while nothing gets through to Redis the answer is a 503, and it is back by itself", async () => {
    relay = await startRelay(Number(new URL(redisUrl()).port));
    env["REDIS_URL"] = `redis://127.0.0.1:${relay.port}`;
    const instance = await lambda();
    expect(await invoke(instance, PAUSE)).toMatchObject({ statusCode: 200 });
    relay.freeze();
    const [first, second] = await Promise.all([
      invoke(instance, PAUSE, 60_000),
      invoke(instance, PAUSE, 60_000),
    ]);
    expect([first.statusCode, second.statusCode]).toEqual([503, 503]);
    relay.cut();
    expect(await invoke(instance, PAUSE)).toMatchObject({ statusCode: 200 });
  });

  test.each([
    ["soon after", 0],
    ["long after", 3_600_000],
  ])("connections that Postgres has ended are made anew, %s", async (_, laterMs) => {
    const instance = await lambda();
    const answers = await Promise.all([invoke(instance, SEARCH), invoke(instance, SEARCH)]);
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    instance.freeze();
    const ended = await sql(
      database.url,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'signal-router' AND datname = current_database()",
    );
    expect(ended.length).toBeGreaterThan(0);
    const left =
      "SELECT 1 FROM pg_stat_activity WHERE application_name = 'signal-router' AND datname = current_database()";
    // Told to end, they do so a moment later.
    await vi.waitFor(async () => expect(await sql(database.url, left)).toHaveLength(0));
    instance.thaw();
    expect(await invoke(instance, SEARCH, laterMs)).toMatchObject({ statusCode: 200 });
  });
});

test("the same app answers on a platform that calls a fetch handler", async () => {
  const instance = await startInstance("runner/fetch.ts", env);
  const url = "https://router.example/pause";
  const headers = { ...AUTHORIZED, ...JSON_TYPE };
  const init = { method: "POST", headers, body: PAUSE.body };
  expect(await instance.ask({ url, init })).toMatchObject({
    statusCode: 200,
    body: expect.stringContaining("paused by ann"),
  });
  expect(await instance.ask({ url, init: { ...init, headers: JSON_TYPE } })).toMatchObject({
    statusCode: 401,
  });
});
