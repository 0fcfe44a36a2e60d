import { setImmediate as turn } from "node:timers/promises";
import pino from "pino";
import { expect, test, vi } from "vitest";
import { openHttpApp } from "../../runner/http/open-app.ts";
import { openServices, type Services } from "../../runner/setup/services.ts";
import { readConfig } from "../../shared/config/config.ts";
import { strategySecrets } from "../../shared/config/secrets.ts";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import { referenceRows } from "../builders.ts";
import { byPace } from "../long/pace.ts";
import { freshPrefix, migratedDatabase } from "../servers/fixtures.ts";
import { insertReference } from "../servers/insert-reference.ts";
import { startReplicatedRedis, untilItFollows, type ReplicatedRedis } from "../servers/replicated-redis.ts";

/**
 * What has been answered is still there after a fail-over: a master that stands still, is replaced, wakes up and goes on
 * answering until it is told that it is a replica.
 */

const BEFORE = byPace({ short: 50, full: 500 });
const AFTER = byPace({ short: 20, full: 300 });
const ROUNDS = byPace({ short: 1, full: 3 });
const SENDERS = 20;
const SECRET = "a-secret-for-the-fail-over";
const TOKEN = "a-token-for-the-fail-over";

interface Stage {
  readonly servers: ReplicatedRedis;
  readonly services: Services;
  call(path: string, body: unknown): Promise<{ readonly status: number; readonly body: any }>;
}

async function staged(replicasMin: number, act: (stage: Stage) => Promise<void>): Promise<void> {
  const [servers, fresh] = await Promise.all([startReplicatedRedis(2), migratedDatabase()]);
  const answer = readConfig({
    KEY_PREFIX: freshPrefix(),
    WEBHOOK_SECRET: SECRET,
    HTTP_TOKEN: TOKEN,
    REDIS_REPLICAS_MIN: String(replicasMin),
    REDIS_REPLICAS_MS_MAX: "200",
  });
  if (!answer.ok) throw new Error(answer.message);
  await insertReference(fresh.url, referenceRows());
  const database = await openDatabase({ url: fresh.url, dataDir: "", onError: () => undefined });
  const services = openServices({
    config: answer.config,
    redisUrl: servers.master.url,
    consumer: "test",
    database,
    logger: pino({ level: "silent" }),
    secrets: strategySecrets({}),
  });
  const { app, close } = openHttpApp({ services, token: TOKEN, peerAddressOf: () => "192.0.2.1" });
  try {
    await services.refresh();
    await act({
      servers,
      services,
      async call(path, body) {
        const response = await app.request(path, {
          method: "POST",
          headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
          body: JSON.stringify(body),
        });
        return { status: response.status, body: await response.json() };
      },
    });
  } finally {
    close();
    services.close();
    await database.close();
    await Promise.all([servers.stop(), fresh.drop()]);
  }
}

/** Sends alerts all the time, and counts those that were answered with 202 and are in no server afterwards. */
async function lostOf({ servers, services, call }: Stage): Promise<{ lost: number; refused: number }> {
  const accepted: string[] = [];
  let refused = 0;
  let isOver = false;
  const send = async (sender: number): Promise<void> => {
    for (let n = 0; !isOver; n += 1) {
      const alert = { message: "SIGNAL_1_LONG", symbol: `S${sender}N${n}`, time: Date.now() };
      const { status, body } = await call(`/webhooks/tradingview/${SECRET}`, alert);
      if (status === 202) accepted.push(body.entry_id);
      else refused += 1;
      await turn();
    }
  };
  const senders = Array.from({ length: SENDERS }, async (_, sender) => send(sender));
  const { master } = servers;
  await vi.waitFor(() => expect(accepted.length).toBeGreaterThan(BEFORE), { timeout: 60_000 });
  master.freeze();
  const promoted = await servers.promote();
  const before = accepted.length + refused;
  master.wake();
  await vi.waitFor(() => expect(accepted.length + refused).toBeGreaterThan(before + AFTER), {
    timeout: 60_000,
  });
  await master.redis.replicaof("127.0.0.1", promoted.port);
  await untilItFollows(master.redis);
  isOver = true;
  await Promise.all(senders);
  const key = services.keys.stream("signals_stream");
  const there = new Set((await promoted.redis.xrange(key, "-", "+")).map(([id]) => id));
  return { lost: accepted.filter((id) => !there.has(id)).length, refused };
}

test.for(Array.from({ length: ROUNDS }, (_, round) => round))(
  "no signal that was answered with 202 is lost when a replica must have it (round %i)",
  { timeout: 120_000 },
  async () => {
    await staged(1, async (stage) => {
      const { lost, refused } = await lostOf(stage);
      expect({ lost, isRefusing: refused > 0 }).toEqual({ lost: 0, isRefusing: true });
    });
  },
);

test("without, some are lost: the test above bites", { timeout: 120_000 }, async () => {
  await staged(0, async (stage) => expect((await lostOf(stage)).lost).toBeGreaterThan(0));
});

test("a pause that was answered holds after the fail-over, and one that replicas lack is refused", async () => {
  await staged(1, async ({ servers, services, call }) => {
    for (const { link } of servers.replicas) link.openHole("answers");
    const refused = await call("/pause", { by: "ann" });
    expect([refused.status, refused.body.code]).toEqual([503, "not_confirmed"]);
    expect(refused.body.detail).toMatch(/the pause is set on the master, but too few replicas have it/);
    for (const { link } of servers.replicas) link.closeHole();
    await vi.waitFor(async () => expect((await call("/pause", { by: "ann" })).status).toBe(200));
    servers.master.freeze();
    const promoted = await servers.promote();
    expect(await promoted.redis.hget(services.keys.control, "*")).toMatch(/"by":"ann"/);
  });
});

test("without, a pause vanishes with its master: the test above bites", async () => {
  await staged(0, async ({ servers, services, call }) => {
    for (const { link } of servers.replicas) link.openHole("answers");
    expect((await call("/pause", { by: "ann" })).status).toBe(200);
    servers.master.freeze();
    const promoted = await servers.promote();
    expect(await promoted.redis.hget(services.keys.control, "*")).toBeNull();
  });
});
