import { setImmediate as turn } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { byPace } from "../long/pace.ts";
import { untilItFollows } from "../servers/replicated-redis.ts";
import { onReplicas, WEBHOOK_PATH, type ReplicatedStage } from "./replicated-fixture.ts";

/**
 * What has been answered is still there after a fail-over: a master that stands still, is replaced, wakes up and goes on
 * answering until it is told that it is a replica.
 */

const BEFORE = byPace({ short: 50, full: 500 });
const AFTER = byPace({ short: 20, full: 300 });
const ROUNDS = byPace({ short: 1, full: 3 });
const SENDERS = 20;

const staged = async (replicasMin: number, act: (stage: ReplicatedStage) => Promise<void>): Promise<void> =>
  onReplicas(
    {
      replicas: 2,
      settings: { REDIS_REPLICAS_MIN: String(replicasMin), REDIS_REPLICAS_MS_MAX: "200" },
    },
    act,
  );

/** Sends alerts all the time, and counts those that were answered with 202 and are in no server afterwards. */
async function lostOf({
  servers,
  services,
  call,
}: ReplicatedStage): Promise<{ lost: number; refused: number }> {
  const accepted: string[] = [];
  let refused = 0;
  const over = new AbortController();
  const send = async (sender: number): Promise<void> => {
    for (let n = 0; !over.signal.aborted; n += 1) {
      const alert = { message: "SIGNAL_1_LONG", symbol: `S${sender}N${n}`, time: Date.now() };
      const { status, body } = await call("POST", WEBHOOK_PATH, alert);
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
  over.abort();
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
    const refused = await call("POST", "/pause", { by: "ann" });
    expect([refused.status, refused.body.code]).toEqual([503, "not_confirmed"]);
    expect(refused.body.detail).toMatch(/the pause is set on the master, but too few replicas have it/);
    for (const { link } of servers.replicas) link.closeHole();
    await vi.waitFor(async () => expect((await call("POST", "/pause", { by: "ann" })).status).toBe(200));
    servers.master.freeze();
    const promoted = await servers.promote();
    expect(await promoted.redis.hget(services.keys.control, "*")).toMatch(/"by":"ann"/);
  });
});

test("without, a pause vanishes with its master: the test above bites", async () => {
  await staged(0, async ({ servers, services, call }) => {
    for (const { link } of servers.replicas) link.openHole("answers");
    expect((await call("POST", "/pause", { by: "ann" })).status).toBe(200);
    servers.master.freeze();
    const promoted = await servers.promote();
    expect(await promoted.redis.hget(services.keys.control, "*")).toBeNull();
  });
});
