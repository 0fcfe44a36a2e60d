import { describe, expect, test, vi } from "vitest";
import { byPace } from "../../long/pace.ts";
import { useFailingStage } from "./failing-stage.ts";
import { FAULTS, SLOW_STRATEGY, type TableFault } from "./fault-table.ts";

const stage = useFailingStage();
const SHORT = new Set(["everything paused", "Redis full"]);
const cases = byPace({
  short: FAULTS.filter(({ name }) => SHORT.has(name)),
  full: [...FAULTS, SLOW_STRATEGY],
});

/** A signal that nothing stands in the way of is decided and logged. */
async function untilItWorks(): Promise<void> {
  const id = await stage.publish(2);
  await vi.waitFor(
    async () =>
      expect(await stage.sql(`SELECT status FROM signal_log WHERE entry_id = '${id}'`)).toEqual([
        { status: "dispatched" },
      ]),
    { timeout: 10_000, interval: 100 },
  );
}

describe("health names a fault within ten seconds, and its end within ten", () => {
  test.each(cases.map((fault): [string, TableFault] => [fault.name, fault]))(
    "%s",
    async (_, fault) => {
      await fault.begin(stage);
      try {
        if (fault === SLOW_STRATEGY)
          await vi.waitFor(async () => expect((await stage.health()).status).toBe("degraded"), {
            timeout: 20_000,
            interval: 200,
          });
        await stage.untilHealth(fault.status, ...fault.reasons);
      } finally {
        await fault.end(stage);
      }
      await stage.untilHealth("ready");
      await untilItWorks();
    },
    60_000,
  );
});

test.runIf(byPace({ short: false, full: true }))(
  "full disk, full Redis, stopped Postgres and a paused strategy at once: each named, nothing lost, healed by itself",
  async () => {
    const { redis, keys, redisServer, postgresServer } = stage;
    const before = await redis.xlen(keys.stream("signals_stream"));
    const logged = async (): Promise<number> => {
      const [row] = await stage.sql("SELECT count(*)::int AS n FROM signal_log WHERE invocation = 'live'");
      return Number(row?.["n"]);
    };
    const loggedBefore = await logged();
    await stage.cli("pause", "1");
    await postgresServer.kill();
    for (let i = 0; i < 10; i += 1) await stage.publish(1 + (i % 2));
    await redis.config("SET", "maxmemory", "1mb");
    await redisServer.fillDisk();
    await redis.set("filler", "x").catch(() => undefined);
    await stage.untilHealth("not_ready", /OOM/, /MISCONF/, /Postgres cannot be reached/);
    const status = await stage.cli("status");
    for (const named of [/OOM/, /MISCONF/, /Trend follower \(1\)/]) expect(status).toMatch(named);
    await postgresServer.start();
    await redis.config("SET", "maxmemory", "0");
    await redisServer.freeDisk();
    await stage.untilHealth("ready");
    await stage.cli("resume", "1");
    await untilItWorks();
    expect(await redis.xlen(keys.stream("signals_stream"))).toBe(before + 11);
    await vi.waitFor(async () => expect(await logged()).toBe(loggedBefore + 11), {
      timeout: 10_000,
      interval: 100,
    });
    expect(await redis.xlen(keys.stream("dead_letters"))).toBe(0);
  },
  120_000,
);
