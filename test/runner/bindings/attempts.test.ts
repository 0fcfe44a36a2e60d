import { describe, expect, test, vi } from "vitest";
import { fieldsOf } from "../../../shared/entry.ts";
import { mixedReference } from "../../mixed-signals.ts";
import { insertReference } from "../../servers/insert-reference.ts";
import { useRouters } from "../../servers/router-fixture.ts";

const router = useRouters();
const signal = (uid: string) => ({
  message: "SIGNAL_1_LONG",
  symbol: "BTCUSDT",
  bar_time: "2026-01-01T00:00:00Z",
  uid,
});

async function pendingRows(): Promise<[id: string, consumer: string, idleMs: number, deliveries: number][]> {
  const stream = router.keys.stream("signals_stream");
  return (await router.redis.xpending(stream, "signal_processor", "-", "+", 10)) as [
    string,
    string,
    number,
    number,
  ][];
}

async function deadLetters(): Promise<Record<string, string>[]> {
  const letters = await router.redis.xrange(router.keys.stream("dead_letters"), "-", "+");
  return letters.map(([, flat]) => ({ ...fieldsOf(flat) }));
}

async function statuses(): Promise<unknown[]> {
  return router.sql("SELECT uid, status, reason FROM signal_log ORDER BY uid");
}

describe("what is away, or in the way, says nothing about the entries", () => {
  test("a decision whose commit was held up until the signal was too old is made again", async () => {
    await insertReference(router.databaseUrl, mixedReference());
    router.env["SIGNAL_AGE_MS_MAX"] = "3000";
    const running = await router.start();
    await vi.waitFor(() => expect(running.output()).toContain("is current"), { timeout: 10_000 });
    await router.redis.set(router.keys.stream("strategy_input_stream"), "in the way");
    const entryId = await router.publish(signal("a"));
    await vi.waitFor(() => expect(running.output()).toContain("is a string, expected a stream"), {
      timeout: 10_000,
    });
    await vi.waitFor(
      async () => {
        const [seconds] = await router.redis.time();
        expect(Number(seconds) * 1000 - Number(entryId.split("-")[0])).toBeGreaterThan(3_000);
      },
      { timeout: 10_000, interval: 100 },
    );
    await router.redis.del(router.keys.stream("strategy_input_stream"));
    await router.settled();
    expect(await statuses()).toEqual([{ uid: "a", status: "ignored", reason: "stale" }]);
  }, 60_000);

  test("a control that cannot be read holds signals up, and they are decided when it can", async () => {
    await insertReference(router.databaseUrl, mixedReference());
    await router.redis.set(router.keys.control, "in the way");
    router.env["DELIVERIES_MAX"] = "2";
    router.env["CLAIM_IDLE_MS"] = "300";
    const running = await router.start();
    for (const uid of ["a", "b", "c"]) await router.publish(signal(uid));
    await vi.waitFor(() => expect(running.output()).toMatch(/cannot go on.*WRONGTYPE/), { timeout: 10_000 });
    await vi.waitFor(async () => expect(await pendingRows()).not.toEqual([]), { timeout: 10_000 });
    await router.redis.del(router.keys.control);
    await router.settled();
    expect(await statuses()).toEqual(
      ["a", "b", "c"].map((uid) => ({ uid, status: "dispatched", reason: null })),
    );
    expect(await deadLetters()).toEqual([]);
  }, 60_000);

  test("routers started again and again while there is no snapshot count no attempt", async () => {
    Object.assign(router.env, {
      FUNCTIONS: "process-signals,reclaim",
      DELIVERIES_MAX: "2",
      CLAIM_IDLE_MS: "300",
    });
    await router.publish(signal("a"));
    for (let round = 0; round < 5; round += 1) {
      const running = await router.start();
      await vi.waitFor(async () => expect((await pendingRows())[0]?.[1]).toContain(`-${running.pid}-`), {
        timeout: 10_000,
        interval: 20,
      });
      // One is ended in order, the next one is killed.
      if (round % 2 === 0) {
        await vi.waitFor(() => expect(running.output()).toContain("snapshot is not available"), {
          timeout: 10_000,
        });
      }
      await vi.waitFor(async () => expect((await pendingRows())[0]?.[3]).toBeLessThanOrEqual(1), {
        timeout: 10_000,
      });
      running.signal(round % 2 === 0 ? "SIGTERM" : "SIGKILL");
      await running.ended();
    }
    await insertReference(router.databaseUrl, mixedReference());
    router.env["FUNCTIONS"] = "process-signals,persist-log,refresh-reference,reclaim,trim";
    await router.start();
    await router.settled();
    expect(await statuses()).toEqual([{ uid: "a", status: "dispatched", reason: null }]);
    expect(await deadLetters()).toEqual([]);
  }, 60_000);

  test("an entry deleted from the stream before it was finished is accounted for, never forgotten", async () => {
    await insertReference(router.databaseUrl, mixedReference());
    const stream = router.keys.stream("signals_stream");
    await router.redis.xgroup("CREATE", stream, "signal_processor", "0", "MKSTREAM");
    const entryId = await router.publish(signal("a"));
    await router.redis.xreadgroup("GROUP", "signal_processor", "died-1-0a0a0a", "STREAMS", stream, ">");
    await router.redis.xdel(stream, entryId);
    await router.start();
    await vi.waitFor(async () => expect(await deadLetters()).toHaveLength(1), { timeout: 10_000 });
    expect(await deadLetters()).toEqual([
      expect.objectContaining({ entry_id: entryId, reason: "entry_deleted", stream: "signals_stream" }),
    ]);
    expect(await pendingRows()).toEqual([]);
    await vi.waitFor(async () => {
      const events = await router.sql(
        "SELECT level FROM system_log WHERE message LIKE '%deleted or trimmed%'",
      );
      expect(events).toEqual([{ level: "ERROR" }]);
    });
  }, 60_000);

  test("an event that Postgres refuses is one dead letter, not the first of endlessly many", async () => {
    await router.sql("ALTER TABLE system_log ADD CONSTRAINT refused CHECK (source <> 'runner')");
    const running = await router.start();
    await vi.waitFor(async () => expect(await deadLetters()).toHaveLength(1), { timeout: 10_000 });
    running.signal("SIGTERM");
    await running.ended();
    // The start and the stop; nothing about these two.
    expect((await deadLetters()).map((letter) => letter["stream"])).toEqual([
      "system_events",
      "system_events",
    ]);
  }, 60_000);
});
