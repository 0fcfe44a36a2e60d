import { Redis } from "ioredis";
import { afterEach, describe, expect, test, vi } from "vitest";
import { redisUrl } from "../servers/fixtures.ts";
import { sql } from "../servers/insert-reference.ts";
import { startRedis } from "../servers/redis.ts";
import { startRelay, type Relay } from "../servers/relay.ts";
import { PAUSE, SEARCH, SECRET, useLambda } from "./serverless/lambda-fixture.ts";

const fixture = useLambda();
const { lambda, invoke } = fixture;
let relay: Relay | undefined;
afterEach(async () => {
  await relay?.stop();
  relay = undefined;
});

describe("between two requests", () => {
  test("everything said is in Redis before the answer is, since the instance may be frozen then", async () => {
    const server = await startRedis();
    const own = new Redis(server.url);
    try {
      fixture.env["REDIS_URL"] = server.url;
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
      expect(await own.xlen(fixture.keys.stream("system_events"))).toBe(1);
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
    const clients = String(await fixture.redis.call("CLIENT", "LIST")).split("\n");
    const own = clients.filter((line) => line.includes(`-${instance.pid}-`));
    expect(own).toHaveLength(2);
    for (const line of own)
      await fixture.redis.call("CLIENT", "KILL", "ID", /^id=(\d+)/.exec(line)?.[1] ?? "");
    instance.thaw();
    expect(await invoke(instance, PAUSE, laterMs)).toMatchObject({ statusCode: 200 });
  });

  test("connections that have gone silent are made anew", async () => {
    relay = await startRelay(Number(new URL(redisUrl()).port));
    fixture.env["REDIS_URL"] = `redis://127.0.0.1:${relay.port}`;
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
    fixture.env["REDIS_URL"] = `redis://127.0.0.1:${relay.port}`;
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
      fixture.database.url,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'signal-router' AND datname = current_database()",
    );
    expect(ended.length).toBeGreaterThan(0);
    const left =
      "SELECT 1 FROM pg_stat_activity WHERE application_name = 'signal-router' AND datname = current_database()";
    // Told to end, they do so a moment later.
    await vi.waitFor(async () => expect(await sql(fixture.database.url, left)).toHaveLength(0));
    instance.thaw();
    expect(await invoke(instance, SEARCH, laterMs)).toMatchObject({ statusCode: 200 });
  });
});
