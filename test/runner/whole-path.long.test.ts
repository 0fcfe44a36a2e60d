import { describe, expect, test, vi } from "vitest";
import type { Fields } from "../../shared/entry.ts";
import { pause } from "../../shared/io/reference/control-store.ts";
import { byPace } from "../long/pace.ts";
import { mixedReference, PAUSED_STRATEGY } from "../mixed-signals.ts";
import { insertReference } from "../servers/insert-reference.ts";
import { useRouters } from "../servers/router-fixture.ts";
import { expectExactly, publishMixture } from "./whole-path-fixture.ts";

const router = useRouters();
const { rounds, perRound } = byPace({
  short: { rounds: 2, perRound: 100 },
  full: { rounds: 10, perRound: 200 },
});

describe("the whole path, through real processes", () => {
  test("mixed signals through two routers that are killed at random moments and started again", async () => {
    await insertReference(router.databaseUrl, mixedReference());
    await pause(router.redis, router.keys, PAUSED_STRATEGY, { by: "test", at: Date.now() });
    router.env["BATCH_COUNT_MAX"] = "40";
    // A killed router has had its entry once; no number of kills may turn an innocent one into a dead letter here.
    router.env["DELIVERIES_MAX"] = "1000";
    let [first, second] = await Promise.all([router.start(), router.start()]);
    const entries = new Map<string, Fields>();
    for (let round = 0; round < rounds; round += 1) {
      for (const [id, fields] of await publishMixture(router, round * perRound, perRound))
        entries.set(id, fields);
      const decided = await router.redis.xlen(router.keys.stream("signal_results"));
      const moment = decided + Math.floor(Math.random() * 0.75 * perRound);
      await vi.waitFor(
        async () =>
          expect(await router.redis.xlen(router.keys.stream("signal_results"))).toBeGreaterThanOrEqual(
            Math.min(moment, entries.size),
          ),
        {
          timeout: 20_000,
          interval: 1,
        },
      );
      first.signal("SIGKILL");
      await first.ended();
      [first, second] = [second, await router.start()];
    }
    await router.settled();
    await expectExactly(router, entries);
  }, 180_000);
});
