import { describe, expect, test, vi } from "vitest";
import { readStatus } from "../../../../shared/io/status/status.ts";
import type { StreamName } from "../../../../shared/keys.ts";
import { statusOf, UNTIL, useTicks, type PartView } from "./tick-fixture.ts";

const { http, tick, publish, logged, unconfirm } = useTicks();

const ALL = [
  ["refresh-reference", undefined],
  ["reclaim", "process-signals"],
  ["poll", "process-signals"],
  ["reclaim", "execute-strategies"],
  ["poll", "execute-strategies"],
  ["reclaim", "persist-log"],
  ["poll", "persist-log"],
  ["trim", undefined],
  ["prune", undefined],
];

/** Delivers the waiting entries to a consumer that never processes them, like a process that is killed. */
async function deliverToKilled(stream: StreamName, group: string): Promise<void> {
  const { redis, keys } = http.services;
  await redis.xreadgroup("GROUP", group, "killed", "STREAMS", keys.stream(stream), ">");
}

describe("a tick", () => {
  test("does everything a running router does, and reports each part", async () => {
    await publish("a", "b", "a");
    const { status, body } = await tick();
    expect(status).toBe(200);
    expect(body.parts.map((part: PartView) => [part.part, part.function])).toEqual(ALL);
    expect(statusOf(body.parts)).toMatchObject({
      "refresh-reference": "not_due",
      "poll process-signals": "done",
      "poll persist-log": "done",
      trim: "done",
      prune: "done",
    });
    expect(await logged()).toEqual([
      { uid: "a", status: "dispatched" },
      { uid: "a", status: "duplicate" },
      { uid: "b", status: "dispatched" },
    ]);
  });

  test("refreshes the reference when it is due, and decides on the new one", async () => {
    await http.sql("UPDATE tickers SET status = 'disabled'");
    await publish("a");
    await unconfirm();
    const { body } = await tick();
    expect(body.parts[0]).toMatchObject({ status: "done", result: { state: "published" } });
    expect(await logged()).toEqual([{ uid: "a", status: "ignored" }]);
    expect((await tick()).body.parts[0]).toMatchObject({ status: "not_due" });
  });

  test("refreshes the reference that was confirmed before Redis' clock was set back", async () => {
    const { redis, keys } = http.services;
    await redis.set(keys.referenceConfirmedAt, Date.now() + 3_600_000);
    expect((await tick()).body.parts[0]).toMatchObject({ status: "done" });
    expect((await tick()).body.parts[0]).toMatchObject({ status: "not_due" });
  });

  test("creates snapshot and groups on an empty Redis", async () => {
    const { redis, keys } = http.services;
    await publish("a");
    await tick();
    await redis.del(...(await redis.keys(`${keys.prefix}*`)));
    await publish("b");
    expect((await tick()).status).toBe(200);
    expect(await logged()).toMatchObject([{ uid: "a" }, { uid: "b", status: "dispatched" }]);
  });

  test("publishes an incomplete snapshot again, however recently it was confirmed", async () => {
    const { redis, keys } = http.services;
    const version = (await redis.get(keys.referenceCurrent)) ?? "";
    await redis.del(keys.reference(version, "tickers"));
    await publish("a");
    const { body } = await tick();
    expect(body.parts[0]).toMatchObject({ part: "refresh-reference", status: "done" });
    expect(await logged()).toMatchObject([{ uid: "a", status: "dispatched" }]);
  });

  test("takes over the signals of a killed process at once, before newer ones", async () => {
    await tick();
    await publish("a", "b");
    await deliverToKilled("signals_stream", "signal_processor");
    await publish("c");
    expect((await tick()).status).toBe(200);
    expect(await logged()).toMatchObject([{ uid: "a" }, { uid: "b" }, { uid: "c" }]);
    expect(await http.fieldsIn("strategy_input_stream")).toHaveLength(3);
  });

  test("gives up on an entry that was delivered DELIVERIES_MAX times", async () => {
    const { redis, keys } = http.services;
    await tick();
    const [id = ""] = await publish("a");
    await deliverToKilled("signals_stream", "signal_processor");
    const key = keys.stream("signals_stream");
    await redis.call("XCLAIM", key, "signal_processor", "killed", "0", id, "RETRYCOUNT", "3", "JUSTID");
    await vi.waitFor(async () => {
      await tick();
      expect(await http.fieldsIn("dead_letters")).toMatchObject([
        { entry_id: id, reason: "deliveries_exhausted" },
      ]);
    }, UNTIL);
    expect(await http.fieldsIn("strategy_input_stream")).toEqual([]);
  });

  test("decides every entry once, also beside other ticks", async () => {
    await tick();
    await publish(...Array.from({ length: 200 }, (_, i) => `left${i}`));
    await deliverToKilled("signals_stream", "signal_processor");
    await vi.waitFor(async () => {
      const { streams } = await readStatus(http.services.redis, http.services.keys);
      expect(streams[0]?.groups[0]?.oldestPendingIdleMs).toBeGreaterThan(300);
    }, UNTIL);
    await publish(...Array.from({ length: 1_000 }, (_, i) => `new${i}`));
    const ticks = await Promise.all([tick(), tick(), tick()]);
    expect(ticks.map(({ status }) => status)).toEqual([200, 200, 200]);
    await vi.waitFor(async () => {
      await tick();
      expect(
        await http.sql("SELECT count(*)::int AS n, count(DISTINCT uid)::int AS uids FROM signal_log"),
      ).toEqual([{ n: 1_200, uids: 1_200 }]);
    }, UNTIL);
    const tasks = (await http.fieldsIn("strategy_input_stream")).map(({ log_uid }) => log_uid);
    expect([tasks.length, new Set(tasks).size]).toEqual([1_200, 1_200]);
    expect(await http.fieldsIn("dead_letters")).toEqual([]);
  }, 60_000);

  test("skips parts for which no time is left", async () => {
    const { body } = await tick("?budgetMs=1");
    expect(Object.values(statusOf(body.parts))).toContain("skipped");
    expect((await tick("?budgetMs=60000")).status).toBe(422);
  });
});
