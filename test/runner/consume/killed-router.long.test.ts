import { expect, onTestFinished, test, vi } from "vitest";
import { signalFields } from "../../builders.ts";
import { byPace } from "../../long/pace.ts";
import { mixedReference } from "../../mixed-signals.ts";
import { startDelayingRelay } from "../../servers/delaying-relay.ts";
import { redisUrl } from "../../servers/fixtures.ts";
import { insertReference } from "../../servers/insert-reference.ts";
import { useRouters } from "../../servers/router-fixture.ts";

/** How soon everything is decided that a killed router had in flight. */

const router = useRouters();
const COUNT = 1_000;
const CLAIM_IDLE_MS = 3_000;
const LATE_MS_MAX = 2_000;
const DELAYS = byPace({ short: [10], full: [0, 10] });

test.each(DELAYS)(
  "a thousand signals, with %i ms on each way to Redis, are decided within CLAIM_IDLE_MS + 2 s",
  async (delayMs) => {
    const { redis, keys } = router;
    const key = keys.stream("signals_stream");
    await insertReference(router.databaseUrl, mixedReference());
    const relay = await startDelayingRelay(Number(new URL(redisUrl()).port), { delayMs });
    onTestFinished(async () => relay.stop());
    Object.assign(router.env, {
      REDIS_URL: `redis://127.0.0.1:${relay.port}`,
      CLAIM_IDLE_MS: String(CLAIM_IDLE_MS),
      // The next router takes over after five thirds of it and half a second.
      LEASE_MS: String(CLAIM_IDLE_MS / 2),
      BATCH_COUNT_MAX: String(COUNT / 2),
      BLOCK_MS: "2000",
    });
    // Nothing can be committed while the counters are not a hash.
    await redis.set(keys.metrics, "not a hash");
    const killed = await router.start();
    await vi.waitFor(async () => expect(await redis.get(keys.referenceCurrent)).not.toBeNull());
    const pipeline = redis.pipeline();
    const bar_time = new Date().toISOString();
    for (let n = 0; n < COUNT; n += 1)
      pipeline.xadd(key, "*", ...Object.entries(signalFields({ bar_time, uid: `u${n}` })).flat());
    await pipeline.exec();
    await vi.waitFor(async () => expect((await redis.xpending(key, "signal_processor"))[0]).toBe(COUNT));
    await router.start();
    killed.signal("SIGKILL");
    const killedAt = performance.now();
    await killed.ended();
    await redis.del(keys.metrics);
    const decided = async () => expect(await redis.xlen(keys.stream("signal_results"))).toBe(COUNT);
    await vi.waitFor(decided, { timeout: 30_000, interval: 20 });
    const tookMs = performance.now() - killedAt;
    expect(tookMs).toBeLessThan(CLAIM_IDLE_MS + LATE_MS_MAX);
  },
  60_000,
);
