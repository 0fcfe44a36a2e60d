import { describe, expect, test, vi } from "vitest";
import { mixedReference } from "../mixed-signals.ts";
import { insertReference, sql } from "../servers/insert-reference.ts";
import { startRedis } from "../servers/redis.ts";
import { AUTHORIZED, JSON_TYPE, PAUSE, SEARCH, SECRET, useLambda } from "./serverless/lambda-fixture.ts";
import { startInstance } from "./serverless/serverless-fixture.ts";

const fixture = useLambda();
const { lambda, invoke } = fixture;

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
    expect(await fixture.redis.hkeys(fixture.keys.control)).toContain("*");

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
    fixture.env["WEBHOOK_ALLOW_CIDRS"] = "192.0.2.0/24";
    const instance = await lambda();
    const alert = {
      method: "POST",
      path: `/webhooks/tradingview/${SECRET}`,
      body: JSON.stringify({ message: "A", symbol: "B", time: "2026-01-01T00:00:00Z" }),
      headers: {},
    };
    expect(await invoke(instance, { ...alert, sourceIp: "192.0.2.9" })).toMatchObject({ statusCode: 202 });
    expect(await invoke(instance, { ...alert, sourceIp: "198.51.100.1" })).toMatchObject({ statusCode: 403 });
    expect(await fixture.redis.xlen(fixture.keys.stream("signals_stream"))).toBe(1);
  });

  test("a signal that waits is decided and logged by one POST /tick, with no runner anywhere", async () => {
    await insertReference(fixture.database.url, mixedReference());
    const fields = { message: "SIGNAL_1_LONG", symbol: "BTCUSDT", bar_time: "2026-01-01T00:00:00Z" };
    await fixture.redis.xadd(fixture.keys.stream("signals_stream"), "*", ...Object.entries(fields).flat());
    const instance = await lambda();
    const answer = await invoke(instance, { method: "POST", path: "/tick" });
    expect({ status: answer.statusCode, body: answer.body }).toMatchObject({ status: 200 });
    expect(await fixture.redis.xlen(fixture.keys.stream("strategy_input_stream"))).toBe(4);
    expect(await sql(fixture.database.url, "SELECT status FROM signal_log")).toEqual([
      { status: "dispatched" },
    ]);
  });
});

describe("starting", () => {
  test("nothing is connected before the first request, and requests at the same time share one start", async () => {
    const instance = await lambda();
    const connections = async () =>
      String(await fixture.redis.call("CLIENT", "LIST"))
        .split("\n")
        .filter((line) => line.includes(`-${instance.pid}-`) && line.includes(":commands"));
    expect(await connections()).toEqual([]);
    const answers = await Promise.all(Array.from({ length: 10 }, async () => invoke(instance, SEARCH)));
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
    expect(await connections()).toHaveLength(1);
  });

  test("a bad environment is a 503 that names variables, and one line of the log that says what is wrong", async () => {
    const env = { REDIS_URL: "redis://user:hunter2@", BLOCK_MS: "never", DATABASE_URL: "" };
    const instance = await startInstance("runner/lambda.ts", env);
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
      fixture.env["REDIS_URL"] = server.url;
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

test("the same app answers on a platform that calls a fetch handler", async () => {
  const instance = await startInstance("runner/fetch.ts", fixture.env);
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
