import { describe, expect, test, vi } from "vitest";
import { beginInvocation } from "../../runner/on-demand/invocation.ts";
import { takeLease } from "../../shared/io/redis/lease.ts";
import { readStatus } from "../../shared/io/status/status.ts";
import { noteHeartbeat, readHeartbeats } from "../../shared/io/streams/consumer-heartbeats.ts";
import { createGroup, ensureGroup } from "../../shared/io/streams/groups.ts";
import { useRefusingRedis } from "./refusing-redis-fixture.ts";

const own = useRefusingRedis();
const MINUTES_20 = 1_200_000;

/** Of a line of `pendingSignals`. */
const idOf = (line: string): string => line.split(" ", 1).join("");

const lengthOf = async (stream: Parameters<typeof own.keys.stream>[0]) =>
  own.admin.xlen(own.keys.stream(stream));

describe("a Redis at maxmemory", () => {
  test("decides nothing and changes no owner, finishes what has begun, logs, trims, and goes on by itself", async () => {
    await own.start();
    // Old enough to be trimmed while memory is short.
    await own.publish(20, "old", (n) => `${Date.now() - MINUTES_20}-${n + 1}`);
    await own.untilDecided(20);
    await vi.waitFor(() => expect(own.gate.begun).toBeGreaterThan(0));
    await own.untilReady();
    own.relay.freeze();

    await own.setMaxMemory(1);
    // From the first answer on.
    const first = await own.readiness();
    expect(first).toMatchObject({
      status: 503,
      reasons: [expect.stringMatching(/Redis is full.*OOM/), expect.stringContaining("Postgres")],
    });
    expect(await own.readiness("?for=intake")).toMatchObject({ status: 503 });
    await own.startNeighbour();
    await own.publish(30, "waiting");
    // Both routers have read as much as they may hold.
    await own.whileLoopsTurn(2);
    const before = await own.pendingSignals();
    expect(before.length).toBeGreaterThan(0);
    await own.whileLoopsTurn(6);
    expect(await own.pendingSignals()).toEqual(before);
    expect(await own.decisions()).toBe(20);

    // Intake says why.
    expect(await own.sendAlert()).toMatchObject({
      status: 503,
      body: { code: "not_confirmed", detail: expect.stringContaining("Redis is full") },
    });
    const entries = [
      { fields: { message: "SIGNAL_1_LONG", symbol: "BTCUSDT", bar_time: "2026-01-05T10:00:00Z" } },
    ];
    expect(await own.call("POST", "/functions/process-signals", { entries })).toMatchObject({
      status: 503,
      body: { detail: expect.stringContaining("OOM"), hint: expect.any(String) },
    });

    // Pauses hold, and are on their way to the log.
    const events = await lengthOf("system_events");
    expect(await own.call("POST", "/pause", { strategy: 11 })).toMatchObject({ status: 200 });
    expect(await own.admin.hexists(own.keys.control, "11")).toBe(1);
    expect(await own.call("POST", "/resume", { strategy: 11 })).toMatchObject({ status: 200 });
    expect(await own.admin.hexists(own.keys.control, "11")).toBe(0);
    expect(await lengthOf("system_events")).toBeGreaterThanOrEqual(events + 2);

    // A change of the reference arrives once Postgres is back.
    own.relay.cut();
    const version = await own.admin.get(own.keys.referenceCurrent);
    await own.sql("UPDATE strategies SET enabled = false WHERE id = 10");
    await vi.waitFor(
      async () => {
        expect(await own.call("POST", "/functions/refresh-reference")).toMatchObject({ status: 200 });
        expect(await own.admin.get(own.keys.referenceCurrent)).not.toBe(version);
      },
      { timeout: 10_000, interval: 50 },
    );

    // The same reason as long as it lasts.
    expect((await own.readiness()).reasons[0]).toBe(first.reasons[0]);
    const { body: metrics } = await own.call("GET", "/metrics");
    expect(metrics).toContain('signal_router_redis_refuses_writes{code="OOM"} 1');
    expect(metrics).toMatch(/signal_router_redis_memory_used_bytes \d+/);
    expect(metrics).toContain("signal_router_redis_memory_max_bytes 1\n");

    // What has begun ends, and is recorded; the records reach Postgres and are acknowledged.
    own.gate.open();
    await vi.waitFor(
      async () => {
        const [tasks] = await own.admin.xpending(
          own.keys.stream("strategy_input_stream"),
          "strategy_executor",
        );
        const [records] = await own.admin.xpending(own.keys.stream("signal_results"), "log_writer");
        const [outcomes] = await own.sql(
          "SELECT count(*)::int AS n FROM signal_log_entries WHERE stage = 'execution'",
        );
        expect({ tasks, records, outcomes }).toEqual({ tasks: 0, records: 0, outcomes: { n: 40 } });
      },
      { timeout: 20_000, interval: 50 },
    );
    expect(await own.sql("SELECT count(*)::int AS n FROM signal_log")).toEqual([{ n: 20 }]);

    // What is done with is trimmed, and an entry that waits can be looked up.
    expect(await own.call("POST", "/functions/trim")).toMatchObject({ status: 200 });
    expect(await lengthOf("signals_stream")).toBe(30);
    expect(await own.call("GET", `/entries/${idOf(before[0] ?? "")}`)).toMatchObject({ status: 200 });
    expect(await own.pendingSignals()).toEqual(before);

    await own.setMaxMemory(0);
    await own.untilDecided(50);
    await own.untilReady();
    expect(await lengthOf("dead_letters")).toBe(0);
    expect(own.log).toMatch(/process-signals cannot go on with signals_stream: Redis is full/);
    expect(own.log).not.toContain("cannot be reached");
  }, 60_000);

  test("lets whoever asks on demand neither read nor claim a signal, however often", async () => {
    const { services } = own;
    own.gate.open();
    await own.publish(3);
    const key = own.keys.stream("signals_stream");
    await ensureGroup(own.admin, own.keys, "signals_stream", "signal_processor");
    await own.admin.xreadgroup("GROUP", "signal_processor", "dead-1-0a0a0a", "COUNT", 2, "STREAMS", key, ">");
    await own.admin.xclaim(
      key,
      "signal_processor",
      "dead-1-0a0a0a",
      0,
      ...(await own.pendingSignals()).map(idOf),
      "IDLE",
      60_000,
      "JUSTID",
    );
    const before = await own.pendingSignals();
    expect(before).toHaveLength(2);
    await own.setMaxMemory(1);
    const said = expect.stringContaining("Redis is full");
    for (let n = 0; n < 3; n += 1) {
      const { body: reclaimed } = await own.call("POST", "/functions/reclaim");
      expect(reclaimed.streams[0]).toMatchObject({ taken: 0, unavailable: said });
      expect(await own.call("POST", "/functions/process-signals/poll")).toMatchObject({
        status: 503,
        body: { detail: said },
      });
      const { body: tick } = await own.call("POST", "/tick");
      expect(tick.parts).toContainEqual(
        expect.objectContaining({ part: "poll", function: "process-signals", error: said }),
      );
    }
    expect(await own.pendingSignals()).toEqual(before);
    expect(await lengthOf("dead_letters")).toBe(0);
    await own.setMaxMemory(0);
    await own.call("POST", "/tick");
    expect(await own.decisions()).toBe(3);
    expect(services.redis.status).toBe("ready");
  });

  test("takes what ends work: groups, leases, heartbeats, dead letters that are discarded, the end of a run", async () => {
    const { admin, keys, services } = own;
    const at = Date.now();
    const letter = await admin.xadd(keys.stream("dead_letters"), "*", "stream", "signals_stream");
    const run = await beginInvocation(
      { kind: "manual", requestedBy: null, reason: null, selection: {} },
      services,
    );
    await own.setMaxMemory(1);
    expect(await ensureGroup(admin, keys, "signals_stream", "signal_processor")).toEqual({
      state: "created",
    });
    await createGroup(admin, keys, { stream: "signal_results", group: "log_writer", from: "0" });
    await noteHeartbeat(admin, keys, {
      stream: "signals_stream",
      group: "signal_processor",
      consumer: "c",
      at,
    });
    expect(await readHeartbeats(admin, keys)).toMatchObject([{ consumer: "c", at }]);
    const lease = await takeLease(admin, keys.lease("invocation", "x"), 10_000);
    expect(await takeLease(admin, keys.lease("invocation", "x"), 10_000)).toBeUndefined();
    await lease?.release();
    expect(await own.call("DELETE", `/dead-letters/${letter}`)).toMatchObject({ status: 204 });
    expect(await lengthOf("dead_letters")).toBe(0);
    await run.finish({});
    expect(await lengthOf("signal_results")).toBe(2);
    expect(await own.call("GET", "/reference")).toMatchObject({ status: 200 });
  });

  test("is reported from 80 % of maxmemory on, with figures", async () => {
    await own.start();
    await own.untilReady();
    const { used } = (await readStatus(own.admin, own.keys)).server.memory;
    await own.setMaxMemory(Math.ceil((used ?? 0) / 0.9));
    expect(await own.readiness()).toMatchObject({
      status: 200,
      reasons: [expect.stringMatching(/Redis uses .* of its maxmemory of .* \((8|9)\d %\)/)],
    });
    expect(await own.readiness("?for=intake")).toMatchObject({ status: 200 });
    await own.setMaxMemory(0);
  });
});
