import { describe, expect, test, vi } from "vitest";
import { fieldsOf } from "../../../shared/entry.ts";
import { mixedReference } from "../../mixed-signals.ts";
import { insertReference } from "../../servers/insert-reference.ts";
import { useRouters } from "../../servers/router-fixture.ts";
import type { RouterProcess } from "../../servers/router-process.ts";

const router = useRouters();
const signal = (uid: string, more: Record<string, string> = {}) => ({
  message: "SIGNAL_1_LONG",
  symbol: "BTCUSDT",
  bar_time: "2026-01-01T00:00:00Z",
  uid,
  ...more,
});

/** A router that refreshes the reference and writes the log, but leaves the signals to the flawed process. */
async function withoutRouting(): Promise<void> {
  await insertReference(router.databaseUrl, mixedReference());
  router.env["FUNCTIONS"] = "refresh-reference,persist-log";
  await router.start();
  await vi.waitFor(async () => expect(await router.redis.get(router.keys.referenceCurrent)).not.toBeNull());
}

/** Starts the flawed process again each time it dies, until `done` holds. */
async function keepStarting(done: () => Promise<boolean>): Promise<void> {
  let current: RouterProcess | undefined;
  while (!(await done())) {
    current ??= router.spawn("test/runner/consume/poisoned-router.ts");
    const died = await Promise.race([
      current.ended(),
      new Promise((resolve) => setTimeout(resolve, 100, "alive")),
    ]);
    if (died !== "alive") current = undefined;
  }
}

async function deadLetters(): Promise<Record<string, string>[]> {
  const letters = await router.redis.xrange(router.keys.stream("dead_letters"), "-", "+");
  return letters.map(([, flat]) => ({ ...fieldsOf(flat) }));
}

async function nothingPending(): Promise<boolean> {
  const [pending] = await router.redis.xpending(router.keys.stream("signals_stream"), "signal_processor");
  return pending === 0;
}

describe("an entry nobody can finish", () => {
  test("that kills its process is a dead letter after DELIVERIES_MAX; the 699 left pending with it are decided", async () => {
    await withoutRouting();
    Object.assign(router.env, { CLAIM_IDLE_MS: "400", DELIVERIES_MAX: "3" });
    const key = router.keys.stream("signals_stream");
    const pipeline = router.redis.pipeline();
    for (let i = 0; i < 700; i += 1) {
      const fields = signal(`u${i}`, i === 300 ? { kill: "yes" } : {});
      pipeline.xadd(key, "*", ...Object.entries(fields).flat());
    }
    await pipeline.exec();
    await router.redis.xgroup("CREATE", key, "signal_processor", "0");
    await router.redis.xreadgroup(
      "GROUP",
      "signal_processor",
      "killed-1-0a0a0a",
      "COUNT",
      700,
      "STREAMS",
      key,
      ">",
    );
    await keepStarting(async () => (await deadLetters()).length > 0 && (await nothingPending()));
    expect(await deadLetters()).toEqual([
      expect.objectContaining({
        stream: "signals_stream",
        function: "process-signals",
        reason: "deliveries_exhausted",
        deliveries: "3",
        fields: JSON.stringify(signal("u300", { kill: "yes" })),
      }),
    ]);
    expect(await router.redis.xlen(router.keys.stream("signal_results"))).toBe(699);
    expect(await router.redis.xlen(router.keys.stream("strategy_input_stream"))).toBe(699 * 4);
    await vi.waitFor(async () => {
      const warnings = await router.sql(
        "SELECT level, action_flag FROM system_log WHERE message LIKE '%dead letter%'",
      );
      expect(warnings).toEqual([{ level: "WARNING", action_flag: true }]);
    });
  }, 120_000);

  test("that makes the function throw costs its neighbours nothing, and is a dead letter after DELIVERIES_MAX", async () => {
    await withoutRouting();
    Object.assign(router.env, { CLAIM_IDLE_MS: "400", DELIVERIES_MAX: "3" });
    for (let i = 0; i < 20; i += 1) await router.publish(signal(`u${i}`, i === 7 ? { poison: "yes" } : {}));
    router.spawn("test/runner/consume/poisoned-router.ts");
    await vi.waitFor(
      async () => expect(await router.redis.xlen(router.keys.stream("signal_results"))).toBe(19),
      {
        timeout: 10_000,
      },
    );
    await vi.waitFor(async () => expect(await deadLetters()).toHaveLength(1), { timeout: 20_000 });
    expect(await deadLetters()).toEqual([
      expect.objectContaining({ deliveries: "3", reason: "deliveries_exhausted" }),
    ]);
    expect(await nothingPending()).toBe(true);
  }, 60_000);

  test("whose cause goes away in time is decided and no dead letter", async () => {
    await withoutRouting();
    Object.assign(router.env, { CLAIM_IDLE_MS: "400", DELIVERIES_MAX: "1000" });
    await router.publish(signal("u", { poison: "yes" }));
    const flawed = router.spawn("test/runner/consume/poisoned-router.ts");
    await vi.waitFor(() => expect(flawed.output()).toContain("poisoned"), { timeout: 10_000 });
    await router.redis.set(`${router.keys.prefix}cured`, "1");
    await router.settled();
    expect(await router.sql("SELECT status FROM signal_log")).toEqual([{ status: "dispatched" }]);
    expect(await deadLetters()).toEqual([]);
  }, 60_000);
});
