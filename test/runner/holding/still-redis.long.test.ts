import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { byPace } from "../../long/pace.ts";
import { startDelayingRelay } from "../../servers/delaying-relay.ts";
import { freshPrefix } from "../../servers/fixtures.ts";
import { startRedis, type RedisServer } from "../../servers/redis.ts";
import { settableClock, type SettableClock } from "../../servers/settable-clock.ts";
import { useRunners } from "./holdings-fixture.ts";

/** What a Redis that stands still, is restarted, or whose clock is set, does to who holds a group. */

const GROUP = "signal_processor";
const LEASE_MS = 1_000;
const PAIRS = byPace({ short: 2, full: 7 });
const STILL_TIMES = byPace({ short: 1, full: 2 });

let server: RedisServer;
let clock: SettableClock;
let far: Awaited<ReturnType<typeof startDelayingRelay>>;
const runners = useRunners(() => server.url, { leaseMs: LEASE_MS });
beforeAll(async () => {
  clock = await settableClock();
  server = await startRedis({ env: clock.redisEnv });
  far = await startDelayingRelay(server.port, { delayMs: 40 });
});
afterAll(async () => {
  await far.stop();
  await server.stop();
  await clock.remove();
});

/** Far from Redis, a holder is slower than its standby. */
const farUrl = (): string => `redis://127.0.0.1:${far.port}`;

/** Holders and standbys, each pair with keys of its own. */
async function pairs() {
  return Promise.all(
    Array.from({ length: PAIRS }, async () => {
      const prefix = freshPrefix();
      const holder = runners.runner("holder", { prefix, redisUrl: farUrl() });
      const held = await holder.keep(GROUP);
      const standby = runners.runner("standby", { prefix });
      const waiting = standby.hold(GROUP, { stopping: new AbortController().signal });
      await vi.waitFor(() => expect(standby.events).toHaveLength(1));
      return { held, holder, standby, waiting };
    }),
  );
}

/** Each holder renews again, with the same token. */
async function untilRenewed(all: Awaited<ReturnType<typeof pairs>>): Promise<void> {
  for (const { held, holder } of all) {
    const before = await runners.leaseOf(GROUP, holder);
    await vi.waitFor(
      async () => {
        const lease = await runners.leaseOf(GROUP, holder);
        expect(lease["token"]).toBe(held.token);
        expect(lease["until"]).not.toBe(before["until"]);
      },
      { timeout: 20_000, interval: 20 },
    );
    expect(held.lost.aborted).toBe(false);
  }
}

test("a Redis that stood still for 1.6 times LEASE_MS has not given a lease away", async () => {
  const all = await pairs();
  for (let time = 0; time < STILL_TIMES; time += 1) {
    process.kill(server.pid, "SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, 1.6 * LEASE_MS));
    process.kill(server.pid, "SIGCONT");
    await untilRenewed(all);
    await untilRenewed(all);
  }
});

test("a clock of Redis that is set, forward and back, changes no holder", async () => {
  const all = await pairs();
  for (const aheadMs of [3_600_000, -3_600_000, 0]) {
    await clock.set(aheadMs);
    await untilRenewed(all);
    await untilRenewed(all);
  }
});

test("after a restart of Redis a holder begins anew, and is no standby of itself", async () => {
  const [{ held, holder }] = (await pairs()) as [Awaited<ReturnType<typeof pairs>>[number]];
  await server.kill();
  await server.start();
  await vi.waitFor(() => expect(held.lost.aborted).toBe(true), { timeout: 20_000, interval: 20 });
  expect(held.lost.reason).toMatchObject({ why: "other_server" });
  const again = await holder.tryHold(GROUP, { waitMsMax: 0 });
  if (again.status === "held") expect(again.token).not.toBe(held.token);
  else expect(again.runner).toBe("standby");
});
