import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openSignalIngest } from "../../../../shared/io/streams/signal-ingest.ts";
import { keysOf } from "../../../../shared/keys.ts";
import { connectRedis, fieldsIn } from "../../../servers/redis-contents.ts";
import { startRedis, type RedisServer } from "../../../servers/redis.ts";
import { useHttpApp } from "../http-fixture.ts";

const SECRET = "s3cret-value";
const ALERT = { message: "EMA_CROSS_LONG", symbol: "BTCUSDT", time: "2026-01-05T10:00:00Z" };

/** A Redis for the webhook alone, so that its failures affect nothing else. */
let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  await server.stop();
});

const http = useHttpApp({ settings: { WEBHOOK_SECRET: SECRET }, intakeUrl: () => server.url });

/** Sends an alert and returns status and code of the answer. */
async function post(symbol = "BTCUSDT"): Promise<string> {
  const body = JSON.stringify({ ...ALERT, symbol });
  const response = await http.app.request(`/webhooks/tradingview/${SECRET}`, { method: "POST", body });
  const { code = "accepted" } = (await response.json()) as { code?: string };
  return `${response.status} ${code}`;
}

const acceptedAgain = async () =>
  vi.waitFor(async () => expect(await post()).toBe("202 accepted"), { timeout: 10_000 });

async function onServer<T>(act: (redis: ReturnType<typeof connectRedis>) => Promise<T>): Promise<T> {
  const redis = connectRedis(server.url);
  try {
    return await act(redis);
  } finally {
    redis.disconnect();
  }
}

/** Redis' own number for the webhook's connection. */
const connectionId = async () =>
  onServer(async (redis) => /id=(\d+) [^\n]*name=test:intake/.exec(String(await redis.client("LIST")))?.[1]);

// Well below the time after which the connection itself gives up.
describe("while Redis", { timeout: 15_000 }, () => {
  it("is frozen, alerts are answered 503 in time, and accepted again, on a new connection, when it goes on", async () => {
    expect(await post()).toBe("202 accepted");
    const before = await connectionId();
    process.kill(server.pid, "SIGSTOP");
    try {
      expect(await Promise.all([post("A"), post("B"), post("C")])).toEqual(
        Array(3).fill("503 not_confirmed"),
      );
      // Now a new connection is being made, to a server that accepts it and never answers. The old one was given up, because
      // one that the network has lost looks the same.
      expect(await post("D")).toBe("503 not_confirmed");
    } finally {
      process.kill(server.pid, "SIGCONT");
    }
    await acceptedAgain();
    expect(await connectionId()).toMatch(/^\d+$/);
    expect(await connectionId()).not.toBe(before);
  });

  it("is down, alerts are answered 503 in time, and accepted again when it is back", async () => {
    expect(await post()).toBe("202 accepted");
    await server.kill();
    expect(await post("A")).toBe("503 not_confirmed");
    expect(await post("B")).toBe("503 not_confirmed");
    await server.start();
    await acceptedAgain();
  });

  it("refuses to write, alerts are answered 503, and the log says why", async () => {
    await onServer(async (redis) => redis.config("SET", "maxmemory", "1"));
    expect(await post()).toBe("503 not_confirmed");
    const list = JSON.stringify([ALERT, ALERT]);
    const whole = await http.app.request(`/webhooks/tradingview/${SECRET}`, { method: "POST", body: list });
    expect([whole.status, await whole.text()]).toEqual([503, expect.stringContaining("Redis said: OOM")]);
    await onServer(async (redis) => redis.config("SET", "maxmemory", "0"));
    await acceptedAgain();
    await http.services.events.flush(5_000);
    const events = await http.fieldsIn("system_events");
    const refused = events.filter(({ source }) => source === "webhook");
    expect(refused.map(({ details = "" }) => JSON.parse(details))).toMatchObject([
      { code: "not_confirmed", cause: expect.stringContaining("OOM"), excerpt: JSON.stringify(ALERT) },
      { code: "not_confirmed", excerpt: JSON.stringify([ALERT, ALERT]) },
    ]);
  });

  it("is a replica, alerts are answered 503, and accepted again when it is a master", async () => {
    expect(await post()).toBe("202 accepted");
    await onServer(async (redis) => redis.replicaof("127.0.0.1", 1));
    expect(await post()).toBe("503 not_confirmed");
    await onServer(async (redis) => redis.replicaof("NO", "ONE"));
    await acceptedAgain();
  });

  it("does not answer, an event for each alert shows which one was refused", async () => {
    await server.kill();
    await Promise.all(Array.from({ length: 20 }, async (_, n) => post(`COIN${n}`)));
    await server.start();
    await http.services.events.flush(5_000);
    const events = await http.fieldsIn("system_events");
    const excerpts = events.flatMap(({ details }) => /COIN\d+/.exec(details ?? "")?.[0] ?? []);
    expect(excerpts.toSorted()).toEqual(Array.from({ length: 20 }, (_, n) => `COIN${n}`).toSorted());
  });
});

describe("an ingest", () => {
  const keys = keysOf("own:");
  const open = (url: string) => openSignalIngest({ url, keys, name: "test", onError: () => undefined });

  it("waits for a Redis that is not running yet, and never sends what has timed out", async () => {
    await server.kill();
    const ingest = open(server.url);
    try {
      await expect(ingest.add({ n: "timed out" }, { msMax: 50 })).rejects.toThrow(
        "no confirmation within 50 ms",
      );
      const waiting = Array.from({ length: 60 }, async (_, n) =>
        ingest.add({ n: String(n) }, { msMax: 20_000 }),
      );
      await server.start();
      const ids = await Promise.all(waiting);
      expect(new Set(ids).size).toBe(60);
      const entries = await onServer(async (redis) => fieldsIn(redis, keys.stream("signals_stream")));
      expect(entries.map(({ n }) => n)).toEqual(Array.from({ length: 60 }, (_, n) => String(n)));
    } finally {
      ingest.close();
    }
  });

  it("reports why Redis refused, without the entry", async () => {
    await onServer(async (redis) => redis.set(keysOf("text:").stream("signals_stream"), "x"));
    const ingest = openSignalIngest({
      url: server.url,
      keys: keysOf("text:"),
      name: "test",
      onError: () => undefined,
    });
    const limits = { msMax: 20_000 };
    for (const entries of [[{ note: "mine" }], [{ note: "mine" }, { note: "mine as well" }]]) {
      const failed = await ingest.addAll(entries, limits).catch((error: unknown) => error);
      expect(failed).toMatchObject({
        name: "NotConfirmedError",
        message: expect.stringContaining("WRONGTYPE"),
      });
      expect(JSON.stringify(failed)).not.toContain("mine");
    }
    ingest.close();
  });
});
