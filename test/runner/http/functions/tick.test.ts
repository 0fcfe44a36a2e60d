import { Client } from "pg";
import { describe, expect, test, vi } from "vitest";
import { healthFrom } from "../../../../runner/telemetry/health.ts";
import { readHeartbeats } from "../../../../shared/io/streams/consumer-heartbeats.ts";
import { readStatus } from "../../../../shared/io/streams/status.ts";
import type { StreamName } from "../../../../shared/keys.ts";
import { signalFields } from "../../../builders.ts";
import { fieldsIn } from "../../../servers/redis-contents.ts";
import { useHttpApp } from "../http-fixture.ts";
import { refuseConnections } from "../postgres-away.ts";

const http = useHttpApp({
  settings: { CLAIM_IDLE_MS: "300", DELIVERIES_MAX: "3", REFERENCE_REFRESH_MS: "60000" },
});

const UNTIL = { timeout: 20_000, interval: 50 };
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

interface PartView {
  readonly part: string;
  readonly function?: string;
  readonly status: string;
  readonly error?: string;
}

const publish = async (...uids: string[]) =>
  Promise.all(uids.map(async (uid) => http.publish(signalFields({ uid }))));
const fieldsOf = async (stream: StreamName) =>
  fieldsIn(http.services.redis, http.services.keys.stream(stream));
const tick = async (query = "") => http.call("POST", `/tick${query}`);
const statusOf = (parts: readonly PartView[]) =>
  Object.fromEntries(parts.map((part) => [[part.part, part.function].join(" ").trim(), part.status]));
const logged = async () => http.sql("SELECT uid, status FROM signal_log ORDER BY uid");

/** Delivers what waits to a consumer that never comes back, as a process that is killed with it in hand. */
async function abandon(stream: StreamName, group: string): Promise<void> {
  const { redis, keys } = http.services;
  await redis.xreadgroup("GROUP", group, "killed", "STREAMS", keys.stream(stream), ">");
}

async function unconfirm(): Promise<void> {
  await http.services.redis.set(http.services.keys.referenceConfirmedAt, "1");
}

describe("a tick", () => {
  test("does everything a running router does, and says so part by part", async () => {
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

  test("refreshes the reference when that is due, and decides on the new one", async () => {
    await http.sql("UPDATE tickers SET status = 'disabled'");
    await publish("a");
    await unconfirm();
    const { body } = await tick();
    expect(body.parts[0]).toMatchObject({ status: "done", result: { state: "published" } });
    expect(await logged()).toEqual([{ uid: "a", status: "ignored" }]);
    expect((await tick()).body.parts[0]).toMatchObject({ status: "not_due" });
  });

  test("on an empty Redis makes snapshot and groups by itself", async () => {
    const { redis, keys } = http.services;
    await publish("a");
    await tick();
    await redis.del(...(await redis.keys(`${keys.prefix}*`)));
    await publish("b");
    expect((await tick()).status).toBe(200);
    expect(await logged()).toMatchObject([{ uid: "a" }, { uid: "b", status: "dispatched" }]);
  });

  test("writes a snapshot again of which a part has gone, however lately it was confirmed", async () => {
    const { redis, keys } = http.services;
    const version = (await redis.get(keys.referenceCurrent)) ?? "";
    await redis.del(keys.reference(version, "tickers"));
    await publish("a");
    const { body } = await tick();
    expect(body.parts[0]).toMatchObject({ part: "refresh-reference", status: "done" });
    expect(await logged()).toMatchObject([{ uid: "a", status: "dispatched" }]);
  });

  test("takes over what a process left behind that was killed, once it is idle for CLAIM_IDLE_MS", async () => {
    await tick();
    await publish("a", "b");
    await abandon("signals_stream", "signal_processor");
    await publish("c");
    expect((await tick()).status).toBe(200);
    expect(await logged()).toMatchObject([{ uid: "c" }]);
    await vi.waitFor(async () => {
      await tick();
      expect(await logged()).toMatchObject([{ uid: "a" }, { uid: "b" }, { uid: "c" }]);
    }, UNTIL);
    expect(await fieldsOf("strategy_input_stream")).toHaveLength(3);
  });

  test("gives up on what was delivered DELIVERIES_MAX times", async () => {
    const { redis, keys } = http.services;
    await tick();
    const [id = ""] = await publish("a");
    await abandon("signals_stream", "signal_processor");
    const key = keys.stream("signals_stream");
    await redis.call("XCLAIM", key, "signal_processor", "killed", "0", id, "RETRYCOUNT", "3", "JUSTID");
    await vi.waitFor(async () => {
      await tick();
      expect(await fieldsOf("dead_letters")).toMatchObject([
        { entry_id: id, reason: "deliveries_exhausted" },
      ]);
    }, UNTIL);
    expect(await fieldsOf("strategy_input_stream")).toEqual([]);
  });

  test("at the same time as others decides every entry once", async () => {
    await tick();
    await publish(...Array.from({ length: 200 }, (_, i) => `left${i}`));
    await abandon("signals_stream", "signal_processor");
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
    const tasks = (await fieldsOf("strategy_input_stream")).map(({ log_uid }) => log_uid);
    expect([tasks.length, new Set(tasks).size]).toEqual([1_200, 1_200]);
    expect(await fieldsOf("dead_letters")).toEqual([]);
  }, 60_000);

  test("skips what there is no time for", async () => {
    const { body } = await tick("?budgetMs=1");
    expect(Object.values(statusOf(body.parts))).toContain("skipped");
    expect((await tick("?budgetMs=60000")).status).toBe(422);
  });
});

describe("when a part of a tick fails", () => {
  test("because Postgres is away, signals are decided all the same, and the answer says what did not work", async () => {
    await tick();
    await publish("a");
    await unconfirm();
    await refuseConnections(http.databaseUrl, true);
    const answer = await tick();
    expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(answer).toMatchObject({
      status: 503,
      body: {
        status: 503,
        code: "tick_incomplete",
        detail: expect.stringContaining("poll of persist-log: postgres"),
      },
    });
    expect(statusOf(answer.body.parts)).toEqual({
      "refresh-reference": "failed",
      "reclaim process-signals": "done",
      "poll process-signals": "done",
      "reclaim execute-strategies": "done",
      "poll execute-strategies": "done",
      "reclaim persist-log": "failed",
      "poll persist-log": "failed",
      trim: "done",
      prune: "done",
    });
    expect(await fieldsOf("strategy_input_stream")).toMatchObject([{ log_uid: "a" }]);
    await refuseConnections(http.databaseUrl, false);
    expect((await tick()).status).toBe(200);
    expect(await logged()).toMatchObject([{ uid: "a", status: "dispatched" }]);
    const recovered = await http.sql(
      "SELECT message FROM system_log WHERE source = 'tick' AND message LIKE 'recovered%'",
    );
    expect(recovered.map(({ message }) => message)).toEqual([
      "recovered: refresh-reference failed",
      "recovered: reclaim persist-log failed",
    ]);
  });

  test("because Postgres hangs, signals are decided in this very round, and nothing is lost or doubled", async () => {
    await tick();
    const locker = new Client({ connectionString: http.databaseUrl });
    await locker.connect();
    try {
      await locker.query("BEGIN; LOCK TABLE tickers, signal_log IN ACCESS EXCLUSIVE MODE");
      await unconfirm();
      await publish("a", "b");
      const { status, body } = await tick("?budgetMs=4000");
      expect(status).toBe(503);
      expect(statusOf(body.parts)).toMatchObject({
        "refresh-reference": "failed",
        "poll process-signals": "done",
        "poll persist-log": "failed",
      });
      expect(body.detail).toMatch(/refresh-reference did not finish within \d+ ms/);
      expect(await fieldsOf("strategy_input_stream")).toHaveLength(2);
    } finally {
      await locker.query("ROLLBACK");
      await locker.end();
    }
    await vi.waitFor(async () => {
      await tick();
      expect(await logged()).toMatchObject([{ uid: "a" }, { uid: "b" }]);
      const { streams } = await readStatus(http.services.redis, http.services.keys);
      expect(streams.flatMap(({ groups }) => groups.map(({ pending }) => pending))).toEqual([0, 0, 0, 0]);
    }, UNTIL);
    expect(await fieldsOf("dead_letters")).toEqual([]);
  }, 60_000);

  test("because of a row in the reference, it is named and decisions go on with the last snapshot", async () => {
    await http.sql("ALTER TABLE strategies DROP CONSTRAINT IF EXISTS strategies_params_check");
    await http.sql("UPDATE strategies SET params = '[]'");
    await unconfirm();
    await publish("a");
    const { status, body } = await tick();
    expect(status).toBe(503);
    expect(body.parts[0].error).toContain("table strategies, row with id 10, column params");
    expect(await logged()).toMatchObject([{ status: "dispatched" }]);
    expect(await http.call("POST", "/functions/refresh-reference")).toMatchObject({
      status: 409,
      body: { code: "reference_unusable", detail: expect.stringContaining("column params") },
    });
  });

  test("because a group is lost, the others are worked on", async () => {
    const { redis, keys } = http.services;
    await tick();
    await redis.xgroup("DESTROY", keys.stream("signal_results"), "log_writer");
    await publish("a");
    const { status, body } = await tick();
    expect(status).toBe(503);
    expect(body.detail).toContain("group log_writer of signal_results has gone");
    expect(statusOf(body.parts)).toMatchObject({
      "poll process-signals": "done",
      "poll persist-log": "failed",
    });
    expect(await fieldsOf("strategy_input_stream")).toHaveLength(1);
    expect(await http.sql("SELECT level FROM system_log WHERE level = 'CRITICAL'")).not.toEqual([]);
  });
});

describe("the health of a router that lives on ticks", () => {
  const healthAfter = async (ms: number) => {
    const { redis, keys, config } = http.services;
    const status = await readStatus(redis, keys);
    const confirmed = { ...status.reference, confirmedAt: status.now + ms };
    return healthFrom({ ...status, now: status.now + ms, reference: confirmed }, true, config);
  };

  /** As if the last tick had been so long ago. */
  async function backdate(ms: number): Promise<void> {
    const { redis, keys } = http.services;
    for (const { stream, group, consumer, at } of await readHeartbeats(redis, keys)) {
      await redis.hset(keys.loops, `${stream} ${group} ${consumer}`, at - ms);
    }
  }

  test("is good between two ticks a minute apart, and not when three have been missed", async () => {
    await tick();
    await backdate(60_000);
    await tick();
    expect(await healthAfter(50_000)).toEqual({ status: "ready", reasons: [] });
    const { status, reasons } = await healthAfter(200_000);
    expect(status).toBe("not_ready");
    expect(reasons[0]).toMatch(/^no consumer has read signal_processor on signals_stream for 2\d\d s/);
  });
});
