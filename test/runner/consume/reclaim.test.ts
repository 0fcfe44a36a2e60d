import { Redis } from "ioredis";
import { expect, onTestFinished, test, vi } from "vitest";
import { reclaimEntries } from "../../../runner/consume/reclaim-entries.ts";
import { startDelayingRelay } from "../../servers/delaying-relay.ts";
import { redisUrl } from "../../servers/fixtures.ts";
import { fieldsIn } from "../../servers/redis-contents.ts";
import { startRelay } from "../../servers/relay.ts";
import { allDone, GROUP, STREAM, useReclaiming } from "./reclaim-fixture.ts";

const reclaiming = useReclaiming();
const portOfRedis = Number(new URL(redisUrl()).port);
const LONG_MS = 60_000;

test("entries whose delivery was lost on the wire are taken up by the consumer itself", async () => {
  const proxy = await startRelay(portOfRedis);
  onTestFinished(async () => proxy.stop());
  const loop = reclaiming.startLoop({
    answer: allDone,
    claimIdleMs: 600,
    blockMs: LONG_MS,
    reclaims: false,
    blockingUrl: `redis://127.0.0.1:${proxy.port}`,
  });
  await vi.waitFor(async () => expect(await reclaiming.isBlocked(loop.name)).toBe(true));
  proxy.loseNextAnswer();
  await reclaiming.redis.xadd(reclaiming.key, "*", "n", 0);
  await vi.waitFor(async () => expect(await reclaiming.pendingCount()).toBe(1), { interval: 5 });
  await vi.waitFor(async () => expect(await reclaiming.pendingCount()).toBe(0));
});

test("a loop that waits for new entries reclaims meanwhile", async () => {
  const { redis, key, pendingCount, isBlocked } = reclaiming;
  const id = String(await redis.xadd(key, "*", "n", 0));
  await redis.xgroup("SETID", key, GROUP, id);
  const loop = reclaiming.startLoop({
    answer: allDone,
    claimIdleMs: 10_000,
    blockMs: LONG_MS,
    reclaims: true,
  });
  await vi.waitFor(async () => expect(await isBlocked(loop.name)).toBe(true));
  await redis.xclaim(...([key, GROUP, "gone", 0, id, "IDLE", LONG_MS, "FORCE", "JUSTID"] as const));
  await vi.waitFor(async () => expect(await pendingCount()).toBe(0));
});

test("a stop takes back deliveries that came to nothing, but not those of entries that failed", async () => {
  const { redis, key, pendingCount } = reclaiming;
  const results: string[] = [];
  const loop = reclaiming.startLoop({
    answer(entries) {
      if (entries.some(({ fields }) => fields["n"] === "1")) {
        results.push("unavailable");
        return { status: "unavailable", what: "postgres", error: "it does not answer" };
      }
      results.push("retry");
      return {
        status: "answered",
        results: entries.map(({ id }) => ({ id, status: "retry", error: "it cannot be read" })),
      };
    },
    claimIdleMs: LONG_MS,
    blockMs: LONG_MS,
    reclaims: true,
  });
  await redis.xadd(key, "*", "n", 0);
  await vi.waitFor(() => expect(results).toContain("retry"));
  await redis.xadd(key, "*", "n", 1);
  await vi.waitFor(() => expect(results).toContain("unavailable"));
  expect(await pendingCount()).toBe(2);
  await loop.stop();
  const rows = (await redis.xpending(key, GROUP, "-", "+", 10)) as [string, string, number, number][];
  expect(rows.map(([, , , deliveries]) => deliveries)).toEqual([1, 0]);
});

test("an entry that its group drops between the claim and its turn is a dead letter", async () => {
  const { redis, key } = reclaiming;
  const [id] = await reclaiming.abandon(1, LONG_MS);
  const session = reclaiming.session(redis, { claimIdleMs: 200 });
  const group = {
    ...session.group,
    async countDelivery(ids: readonly string[]) {
      await redis.xgroup("DELCONSUMER", key, GROUP, "session");
      return session.group.countDelivery(ids);
    },
  };
  await reclaimEntries({ ...session, group }, { others: true, own: false });
  const letters = key.replace(STREAM, "dead_letters");
  await vi.waitFor(async () =>
    expect(await fieldsIn(redis, letters)).toMatchObject([{ entry_id: id, reason: "entry_lost" }]),
  );
});

test("a thousand entries of a killed consumer take few round trips, also far away from Redis", async () => {
  const relay = await startDelayingRelay(portOfRedis, { delayMs: 10 });
  onTestFinished(async () => relay.stop());
  const far = new Redis(`redis://127.0.0.1:${relay.port}`);
  onTestFinished(() => far.disconnect());
  await reclaiming.abandon(1_000, 20_000);
  const session = reclaiming.session(far, { claimIdleMs: 10_000 });
  await vi.waitFor(() => expect(far.status).toBe("ready"));
  const before = relay.roundTrips();
  while (!(await reclaimEntries(session, { others: true, own: false })))
    expect(session.counts.reclaimed).toBe(512);
  expect(await reclaiming.pendingCount()).toBe(0);
  expect(session.counts.committed).toBe(1_000);
  expect(relay.roundTrips() - before).toBeLessThan(40);
});

test("what only waits for something is looked at again later, after new entries, however much it is", async () => {
  await reclaiming.abandon(600, LONG_MS);
  const session = reclaiming.session(reclaiming.redis, {
    claimIdleMs: 10_000,
    answer: (entries) => ({
      status: "answered",
      results: entries.map(({ id }) => ({ id, status: "retry", error: "it waits", uncounted: true })),
    }),
  });
  expect(await reclaimEntries(session, { others: true, own: false })).toBe(true);
  expect(session.counts).toMatchObject({ reclaimed: 512, waiting: 512 });
});
