import { afterEach, describe, expect, test, vi } from "vitest";
import { startRouter } from "../../../../runner/router.ts";
import type { Services } from "../../../../runner/setup/services.ts";
import type { Database } from "../../../../shared/io/postgres/database.ts";
import { openDatabase } from "../../../../shared/io/postgres/open-database.ts";
import { openRedis } from "../../../../shared/io/redis/connection.ts";
import type { Running } from "../../../../shared/running.ts";
import { redisUrl } from "../../../servers/fixtures.ts";
import { startRelay, type Relay } from "../../../servers/relay.ts";
import { appOn, useHttpApp } from "../http-fixture.ts";

const http = useHttpApp({ settings: { BLOCK_MS: "50" } });

const ends: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

/** Sends a request without a token. */
async function get(path: string, services: Services = http.services) {
  const app = appOn(services);
  const response = await app.request(path);
  const body = (await response.json()) as { status: string; reasons: string[] };
  return { status: response.status, headers: response.headers, body };
}

async function relayTo(url: string): Promise<{ relay: Relay; url: string }> {
  const relay = await startRelay(Number(new URL(url).port));
  ends.push(async () => relay.stop());
  const relayed = new URL(url);
  relayed.hostname = "127.0.0.1";
  relayed.port = String(relay.port);
  return { relay, url: relayed.href };
}

async function throughRelay(): Promise<{ relay: Relay; services: Services }> {
  const { relay, url } = await relayTo(redisUrl());
  // Waits longer than the route, so that only the route's own limit can end a check.
  const limits = { answerMsMax: 600_000, onError: () => undefined };
  const redis = openRedis({ key: "test", url, role: "commands", name: "relayed", ...limits });
  ends.push(() => redis.disconnect());
  return { relay, services: { ...http.services, redis } };
}

async function startedRouter(): Promise<Running> {
  const router = await startRouter(http.services);
  ends.push(async () => router.stop({ reason: "test over" }));
  return router;
}

describe("GET /healthz", () => {
  test("answers without a token, also while Redis is unavailable", async () => {
    const { relay, services } = await throughRelay();
    relay.freeze();
    expect(await get("/healthz", services)).toMatchObject({ status: 200, body: { status: "ok" } });
  });
});

describe("GET /readyz", () => {
  test("is 503 with each reason while no router decides signals, and 200 when one does", async () => {
    const before = await get("/readyz");
    expect(before.status).toBe(503);
    expect(before.headers.get("cache-control")).toBe("no-store");
    expect(before.body).toEqual({
      status: "not_ready",
      reasons: expect.arrayContaining([
        expect.stringMatching(/group signal_processor on signals_stream does not exist.*groups create/),
      ]),
    });
    await startedRouter();
    await vi.waitFor(async () => {
      expect(await get("/readyz")).toMatchObject({ status: 200, body: { status: "ready", reasons: [] } });
    });
  });

  test("is 200 with the reason while Postgres does not answer", async () => {
    await startedRouter();
    const { relay, url } = await relayTo(http.databaseUrl);
    const database = await openDatabase({ url, dataDir: "", onError: () => undefined });
    ends.push(async () => database.close());
    const services = { ...http.services, database };
    const ready = { status: 200, body: { status: "ready" } };
    await vi.waitFor(async () => expect(await get("/readyz", services)).toMatchObject(ready));
    relay.freeze();
    expect(await get("/readyz", services)).toMatchObject({
      status: 200,
      body: { status: "degraded", reasons: ["Postgres cannot be reached; records wait in signal_results"] },
    });
  });

  test("is 503 while Redis does not answer", async () => {
    const { relay, services } = await throughRelay();
    relay.freeze();
    const { status, body } = await get("/readyz", services);
    expect([status, body]).toEqual([503, { status: "not_ready", reasons: ["Redis does not answer"] }]);
  });

  test("is 503 when the connection to Redis is refused, and names no address", async () => {
    const { relay, services } = await throughRelay();
    await relay.stop();
    const { status, body } = await get("/readyz", services);
    expect([status, body]).toEqual([503, { status: "not_ready", reasons: ["Redis does not answer"] }]);
  });

  test("is 503 with what Redis says when it answers an error", async () => {
    await http.services.redis.set(http.services.keys.control, "not a hash");
    const { status, body } = await get("/readyz");
    expect(status).toBe(503);
    expect(body.reasons).toEqual([expect.stringContaining("WRONGTYPE")]);
  });

  test("many requests within a second cost one check", async () => {
    // The clock moves only where the test advances it.
    vi.useFakeTimers({ toFake: ["performance"] });
    ends.push(() => void vi.useRealTimers());
    let checks = 0;
    const { database } = http.services;
    const query: Database["query"] = async (sql, params) => {
      checks += 1;
      return database.query(sql, params);
    };
    const services = { ...http.services, database: { ...database, query } };
    const app = appOn(services);
    const getMany = async () => {
      const all = Array.from({ length: 50 }, async () => app.request("/readyz"));
      return new Set((await Promise.all(all)).map(({ status }) => status));
    };
    expect([await getMany(), checks]).toEqual([new Set([503]), 1]);
    vi.advanceTimersByTime(999);
    expect([await getMany(), checks]).toEqual([new Set([503]), 1]);
    vi.advanceTimersByTime(1);
    expect([await getMany(), checks]).toEqual([new Set([503]), 2]);
  });
});
