import { Client } from "pg";
import { describe, expect, test, vi } from "vitest";
import { readStatus } from "../../../../shared/io/status/status.ts";
import { refuseConnections } from "../refuse-connections.ts";
import { statusOf, UNTIL, useTicks } from "./tick-fixture.ts";

const { http, tick, publish, logged, unconfirm } = useTicks();

describe("when a part of a tick fails", () => {
  test("because Postgres is unavailable, signals are still decided, and the answer says what failed", async () => {
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
    expect(await http.fieldsIn("strategy_input_stream")).toMatchObject([{ log_uid: "a" }]);
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

  test("because Postgres hangs, signals are decided in the same round, and nothing is lost or doubled", async () => {
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
      expect(await http.fieldsIn("strategy_input_stream")).toHaveLength(2);
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
    expect(await http.fieldsIn("dead_letters")).toEqual([]);
  }, 60_000);

  test("because a group is lost, the others are still processed", async () => {
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
    expect(await http.fieldsIn("strategy_input_stream")).toHaveLength(1);
    expect(await http.sql("SELECT level FROM system_log WHERE level = 'CRITICAL'")).not.toEqual([]);
  });
});
