import { expect, test, vi } from "vitest";
import { rowsWithStrategies, strategyRow, tickerRow } from "../../../builders.ts";
import { refuseConnections } from "../refuse-connections.ts";
import { statusOf, UNTIL, useTicks } from "./tick-fixture.ts";

const { http, changes, tick, publish, logged, unconfirm } = useTicks();

const errors = async () =>
  http.sql("SELECT message, action_flag FROM system_log WHERE level = 'ERROR' ORDER BY at");
const ready = async () => (await http.call("GET", "/readyz")).body;

test("a strategy whose row cannot be used fails its tasks, and what is switched off afterwards is off", async () => {
  await http.setReference(
    rowsWithStrategies([strategyRow(10), strategyRow(20, { name: "Trend" })], {
      tickers: [tickerRow("BTCUSDT"), tickerRow("ETHUSDT")],
    }),
  );
  await http.sql("ALTER TABLE strategies DROP CONSTRAINT strategies_params_check");
  await http.sql("UPDATE strategies SET params = '[\"s3cret\"]' WHERE id = 20");
  await unconfirm();
  // The first round makes the groups.
  expect((await tick()).status).toBe(200);
  await publish("a");
  const outcomes = async (uid: string) =>
    http.sql(
      `SELECT strategy_id, stage, e.status, e.reason, e.detail FROM signal_log_entries e
       JOIN signal_log USING (shard, entry_id, invocation) WHERE uid = $1 ORDER BY stage DESC, strategy_id`,
      [uid],
    );
  await vi.waitFor(async () => {
    await tick();
    expect(await outcomes("a")).toMatchObject([
      { strategy_id: 10, stage: "routing", status: "dispatched" },
      { strategy_id: 20, stage: "routing", status: "dispatched" },
      { strategy_id: 10, stage: "execution", status: "executed" },
      {
        strategy_id: 20,
        stage: "execution",
        status: "failed",
        reason: "unusable_reference_row",
        detail: {
          table: "strategies",
          row: "Trend (20)",
          column: "params",
          error: expect.stringContaining("a list instead of a JSON object"),
        },
      },
    ]);
  }, UNTIL);
  expect(await errors()).toEqual([
    { message: expect.stringContaining("row Trend (20), column params: a list"), action_flag: true },
  ]);
  await http.sql("UPDATE strategies SET enabled = false WHERE id = 10");
  await http.sql("ALTER TABLE tickers DROP CONSTRAINT tickers_status_check");
  await http.sql("UPDATE tickers SET status = 'closed' WHERE symbol = 'ETHUSDT'");
  await unconfirm();
  await tick();
  await publish("b");
  await http.publish({
    message: "SIGNAL_1_LONG",
    symbol: "ETHUSDT",
    bar_time: "2026-01-01T00:00Z",
    uid: "c",
  });
  await vi.waitFor(async () => {
    await tick();
    expect(await outcomes("b")).toMatchObject([
      { strategy_id: 10, reason: "strategy_disabled" },
      { strategy_id: 20, status: "dispatched" },
      { strategy_id: 20, reason: "unusable_reference_row" },
    ]);
    expect(await http.sql("SELECT reason FROM signal_log WHERE uid = 'c'")).toEqual([
      { reason: "ticker_disabled" },
    ]);
  }, UNTIL);
});

test("a refresh is due after an entry of REFERENCE_STREAMS, and not after an old one", async () => {
  const { redis } = http.services;
  const refreshed = async (): Promise<unknown> => statusOf((await tick()).body.parts)["refresh-reference"];
  expect(await refreshed()).toBe("not_due");
  await redis.xadd(changes, "1700000000000-0", "strategy_id", "10");
  expect(await refreshed()).toBe("not_due");
  await redis.xadd(changes, "*", "strategy_id", "10");
  expect(await refreshed()).toBe("done");
  await redis.del(changes);
});

test("nothing is decided on a snapshot that was altered, until a refresh has repaired it", async () => {
  const { redis, keys } = http.services;
  const version = (await redis.get(keys.referenceCurrent)) ?? "";
  const disabled = '{"status":"disabled","trade_permission":"enabled"}';
  await redis.hset(keys.reference(version, "tickers"), "BTCUSDT", disabled);
  await refuseConnections(http.databaseUrl, true);
  await publish("a");
  await tick();
  expect(await http.fieldsIn("signal_results")).toEqual([]);
  expect(await http.fieldsIn("strategy_input_stream")).toEqual([]);
  await vi.waitFor(async () => {
    const { status, reasons } = await ready();
    expect({ status, reasons }).toMatchObject({
      status: "not_ready",
      reasons: expect.arrayContaining([
        `reference version ${version} in Redis was altered: its content is not what was published; no router decides on it until the next refresh from Postgres has written it again`,
      ]),
    });
  }, UNTIL);
  await refuseConnections(http.databaseUrl, false);
  await vi.waitFor(async () => {
    await tick();
    expect(await logged()).toEqual([{ uid: "a", status: "dispatched" }]);
  }, UNTIL);
  expect(await redis.get(keys.referenceCurrent)).toBe(version);
  expect(await errors()).toContainEqual({
    message: expect.stringContaining(`version ${version} was altered`),
    action_flag: true,
  });
  await vi.waitFor(async () => expect((await ready()).reasons.join()).not.toContain("altered"), UNTIL);
});
