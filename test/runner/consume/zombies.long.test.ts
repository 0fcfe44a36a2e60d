import { describe, expect, test, vi } from "vitest";
import { fieldsOf } from "../../../shared/entry.ts";
import { byPace } from "../../long/pace.ts";
import { mixedReference } from "../../mixed-signals.ts";
import { insertReference } from "../../servers/insert-reference.ts";
import { useRouters } from "../../servers/router-fixture.ts";

const router = useRouters();
const ROUNDS = byPace({ short: 1, full: 5 });

const signal = (uid: string) => ({
  message: "SIGNAL_1_LONG",
  symbol: "BTCUSDT",
  bar_time: "2026-01-01T00:00:00Z",
  uid,
});

async function nothingPending(): Promise<boolean> {
  const [pending] = await router.redis.xpending(router.keys.stream("signals_stream"), "signal_processor");
  return pending === 0;
}

describe("a router that stood still", () => {
  test("and wakes up after its entries were taken over doubles nothing", async () => {
    await insertReference(router.databaseUrl, mixedReference());
    router.env["BATCH_COUNT_MAX"] = "10";
    const first = await router.start();
    await vi.waitFor(async () => expect(await router.redis.get(router.keys.referenceCurrent)).not.toBeNull());
    for (let round = 0; round < ROUNDS; round += 1) {
      const publishing = Array.from({ length: 200 }, async (_, i) =>
        router.publish(signal(`r${round}-${i}`)),
      );
      // Somewhere in the middle of its work.
      await publishing[20 + round * 30];
      first.signal("SIGSTOP");
      await Promise.all(publishing);
      const second = await router.start();
      await vi.waitFor(async () => expect(await nothingPending()).toBe(true), {
        timeout: 20_000,
        interval: 50,
      });
      first.signal("SIGCONT");
      second.signal("SIGTERM");
      await second.ended();
    }
    await router.settled();
    const tasks = await router.redis.xrange(router.keys.stream("strategy_input_stream"), "-", "+");
    const pairs = tasks
      .map(([, flat]) => fieldsOf(flat))
      .map((task) => `${task["entry_id"]} ${task["strategy_id"]}`);
    expect(pairs).toHaveLength(200 * ROUNDS * 4);
    expect(new Set(pairs).size).toBe(pairs.length);
  }, 120_000);
});
