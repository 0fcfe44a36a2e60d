import { describe, expect, test, vi } from "vitest";
import { useRouters } from "../../servers/router-fixture.ts";

const router = useRouters();
const UNTIL = { timeout: 20_000, interval: 50 };

async function addOld(stream: "signals_stream" | "strategy_input_stream", count: number): Promise<void> {
  const pipeline = router.redis.pipeline();
  for (let n = 1; n <= count; n += 1) pipeline.xadd(router.keys.stream(stream), `${n}-0`, "n", n);
  await pipeline.exec();
}

const length = async (stream: "signals_stream" | "strategy_input_stream"): Promise<number> =>
  router.redis.xlen(router.keys.stream(stream));

describe("housekeeping, through a real router", () => {
  test("what has been worked on and is older than STREAM_RETENTION_MS goes; what is logged stays in the log", async () => {
    router.env["STREAM_RETENTION_MS"] = "10000";
    await addOld("signals_stream", 250);
    await router.start();
    await vi.waitFor(async () => expect(await length("signals_stream")).toBe(0), UNTIL);
    await vi.waitFor(async () => {
      expect(await router.sql("SELECT count(*)::int AS n FROM signal_log")).toEqual([{ n: 250 }]);
    }, UNTIL);
  }, 60_000);

  test("a foreign group that has stopped loses entries after twice the retention, with one WARNING", async () => {
    router.env["STREAM_RETENTION_MS"] = "10000";
    const key = router.keys.stream("strategy_input_stream");
    await addOld("strategy_input_stream", 200);
    await router.redis.xgroup("CREATE", key, "workers", "0");
    await router.redis.call(
      ...(["XREADGROUP", "GROUP", "workers", "w", "COUNT", "5", "STREAMS", key, ">"] as const),
    );
    const running = await router.start();
    await vi.waitFor(async () => expect(await length("strategy_input_stream")).toBe(0), UNTIL);
    // More of its entries get old, and go in a later run.
    await router.redis.xadd(key, "300-0", "n", "300");
    await vi.waitFor(async () => expect(await length("strategy_input_stream")).toBe(0), UNTIL);
    running.signal("SIGTERM");
    expect(await running.ended()).toBe(0);
    const events = await router.sql("SELECT level, message, details FROM system_log WHERE source = 'trim'");
    expect(events).toEqual([
      {
        level: "WARNING",
        message: expect.stringMatching(/group workers of strategy_input_stream/),
        details: { stream: "strategy_input_stream", group: "workers", from: "1-0" },
      },
    ]);
  }, 60_000);

  test("a router whose FUNCTIONS do not name trim removes nothing", async () => {
    router.env["STREAM_RETENTION_MS"] = "10000";
    router.env["FUNCTIONS"] = "refresh-reference,persist-log,reclaim";
    await addOld("strategy_input_stream", 200);
    const running = await router.start();
    running.signal("SIGTERM");
    expect(await running.ended()).toBe(0);
    expect(await length("strategy_input_stream")).toBe(200);
  });

  test("the log loses rows of this shard older than LOG_RETENTION_DAYS, and none when it is not set", async () => {
    const insert = `INSERT INTO signal_log (shard, entry_id, invocation, status, raw, received_at, decided_at, snapshot)
      SELECT $1, n || '-0', 'live', 'ignored', '{}', now(), now() - n * interval '1 day', 'v'
      FROM generate_series(1, 10) n`;
    await router.sql(insert, [router.keys.prefix]);
    await router.sql(insert, ["another"]);
    const count = async (shard: string): Promise<unknown> =>
      (await router.sql("SELECT count(*)::int AS n FROM signal_log WHERE shard = $1", [shard]))[0]?.["n"];
    const keeping = await router.start();
    keeping.signal("SIGTERM");
    expect(await keeping.ended()).toBe(0);
    expect(await count(router.keys.prefix)).toBe(10);
    router.env["LOG_RETENTION_DAYS"] = "4";
    await router.start();
    await vi.waitFor(async () => expect(await count(router.keys.prefix)).toBe(3), UNTIL);
    expect(await count("another")).toBe(10);
  }, 60_000);
});
