import { describe, expect, test, vi } from "vitest";
import { mixedReference } from "../mixed-signals.ts";
import { insertReference } from "../servers/insert-reference.ts";
import { useRouters } from "../servers/router-fixture.ts";

const router = useRouters();
const signal = (uid: string, symbol = "BTCUSDT") => ({
  message: "SIGNAL_1_LONG",
  symbol,
  uid,
  bar_time: "2026-01-01T00:00:00Z",
  sent_at: new Date().toISOString(),
});

async function currentVersion(): Promise<string | null> {
  return router.redis.get(router.keys.referenceCurrent);
}

async function untilVersionIsNot(version: string | null, timeout: number): Promise<string | null> {
  await vi.waitFor(async () => expect(await currentVersion()).not.toBe(version), { timeout, interval: 20 });
  return currentVersion();
}

describe("the reference snapshot, through a real router", () => {
  test("rows inserted with plain SQL are decided on within REFERENCE_REFRESH_MS", async () => {
    router.env["REFERENCE_REFRESH_MS"] = "500";
    await router.start();
    const empty = await untilVersionIsNot(null, 5_000);
    await insertReference(router.databaseUrl, mixedReference());
    await untilVersionIsNot(empty, 5_000);
    await router.publish(signal("a"));
    await router.settled();
    expect(await router.sql("SELECT status FROM signal_log")).toEqual([{ status: "dispatched" }]);
  });

  test("a message on a channel, or an entry of a stream that was not there yet, refreshes at once", async () => {
    const { prefix } = router.keys;
    router.env["REFERENCE_REFRESH_MS"] = "3600000";
    router.env["REFERENCE_CHANNELS"] = `${prefix}tickers_events`;
    router.env["REFERENCE_STREAMS"] = `${prefix}state_stream,${prefix}update_stream`;
    await router.start();
    const empty = await untilVersionIsNot(null, 5_000);
    await insertReference(router.databaseUrl, mixedReference());
    await vi.waitFor(async () => {
      expect(await router.redis.publish(`${prefix}tickers_events`, "x")).toBe(1);
    });
    await untilVersionIsNot(empty, 5_000);
    const tell = {
      channel: async () => router.redis.publish(`${prefix}tickers_events`, "x"),
      stream: async () => router.redis.xadd(`${prefix}update_stream`, "*", "strategy_id", "10"),
    };
    for (const [how, by] of Object.entries(tell)) {
      const before = await currentVersion();
      await router.sql("UPDATE tickers SET status = $1 WHERE symbol = 'BTCUSDT'", [
        how === "channel" ? "disabled" : "enabled",
      ]);
      const startedAt = performance.now();
      await by();
      await untilVersionIsNot(before, 5_000);
      console.log(
        `a switch by ${how} is in the snapshot after ${Math.round(performance.now() - startedAt)} ms`,
      );
    }
  });

  test("after the swap that disables a ticker no decision is made on the snapshot before", async () => {
    await insertReference(router.databaseUrl, mixedReference());
    router.env["REFERENCE_REFRESH_MS"] = "200";
    await Promise.all([router.start(), router.start()]);
    let version = await untilVersionIsNot(null, 5_000);
    let count = 0;
    for (const status of ["disabled", "enabled", "disabled"]) {
      await router.sql("UPDATE tickers SET status = $1 WHERE symbol = 'BTCUSDT'", [status]);
      const before = version;
      // Signals stream in all the while, so that batches are under way when the swap happens.
      while ((version = await currentVersion()) === before) {
        await Promise.all(Array.from({ length: 20 }, async () => router.publish(signal(`u${(count += 1)}`))));
      }
      const afterSwap = await router.publish(signal(`u${(count += 1)}`));
      await router.settled();
      const [late] = await router.sql("SELECT snapshot, reason FROM signal_log WHERE entry_id = $1", [
        afterSwap,
      ]);
      expect(late).toEqual({ snapshot: version, reason: status === "disabled" ? "ticker_disabled" : null });
    }
    // Results are published in the order of their commits: the versions change as often as they were swapped.
    const results = await router.redis.xrange(router.keys.stream("signal_results"), "-", "+");
    const versions = results.map(([, fields]) => String(JSON.parse(fields.at(-1) ?? "{}").snapshot));
    const runs = versions.filter((name, i) => name !== versions[i - 1]);
    expect(runs.length).toBeLessThanOrEqual(4);
    // Every version that was decided on was kept.
    const kept = await router.sql("SELECT version FROM reference_snapshots");
    expect(kept.map((row) => row["version"])).toEqual(expect.arrayContaining(versions));
  }, 60_000);

  test("without a snapshot nothing is decided and nothing acknowledged, and all of it once there is one", async () => {
    await insertReference(router.databaseUrl, mixedReference());
    router.env["FUNCTIONS"] = "process-signals,persist-log";
    const first = await router.start();
    await router.publish(signal("a"));
    await vi.waitFor(async () => expect(first.output()).toContain("snapshot is not available"), {
      timeout: 10_000,
    });
    expect(await router.redis.xlen(router.keys.stream("signal_results"))).toBe(0);
    router.env["FUNCTIONS"] = "refresh-reference";
    await router.start();
    await router.settled();
    expect(await router.sql("SELECT status FROM signal_log")).toEqual([{ status: "dispatched" }]);
  }, 60_000);
});
