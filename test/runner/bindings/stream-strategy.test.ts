import { expect, test, vi } from "vitest";
import { fieldsOf } from "../../../shared/entry.ts";
import { rowsWithStrategies, signalFields, strategyRow } from "../../builders.ts";
import { insertReference } from "../../servers/insert-reference.ts";
import { useRouters } from "../../servers/router-fixture.ts";
import type { RouterProcess } from "../../servers/router-process.ts";

const routers = useRouters();

async function start(): Promise<RouterProcess> {
  routers.env["FUNCTIONS"] = "process-signals,execute-strategies,persist-log,refresh-reference,reclaim,trim";
  return routers.start();
}

const streams = (id: number, params: Record<string, unknown> = {}) =>
  strategyRow(id, { handler: "stream", params });
const keyOf = (name: string): string => routers.keys.stream(`strategies:${name}`);

async function entriesOf(name: string): Promise<Readonly<Record<string, string>>[]> {
  return (await routers.redis.xrange(keyOf(name), "-", "+")).map(([, flat]) => fieldsOf(flat));
}

async function outcomes(): Promise<Record<string, unknown>[]> {
  return routers.sql(
    "SELECT entry_id, strategy_id, status, reason, detail FROM signal_log_entries WHERE stage = 'execution' ORDER BY strategy_id, entry_id",
  );
}

async function publish(from: number, to: number): Promise<void> {
  const bar_time = new Date().toISOString();
  for (let i = from; i < to; i += 1) await routers.publish(signalFields({ bar_time, uid: `signal ${i}` }));
}

test("through kills at random moments, a stream gets one entry per executed task, and no other", async () => {
  const strategies = [streams(101), streams(102, { stream: "desk" }), streams(103, { stream: "desk" })];
  await insertReference(routers.databaseUrl, rowsWithStrategies(strategies));
  const [rounds, perRound] = [4, 60];
  for (let round = 0; round < rounds; round += 1) {
    const router = await start();
    await publish(round * perRound, (round + 1) * perRound);
    const killAt = Math.floor((round + Math.random()) * perRound);
    await vi.waitFor(async () => expect(await routers.redis.xlen(keyOf("101"))).toBeGreaterThan(killAt), {
      timeout: 20_000,
      interval: 1,
    });
    router.signal("SIGKILL");
    await router.ended();
  }
  await start();
  const total = rounds * perRound * strategies.length;
  await vi.waitFor(async () => expect(await outcomes()).toHaveLength(total), {
    timeout: 60_000,
    interval: 200,
  });
  const rows = await outcomes();
  expect(rows.filter(({ status }) => status !== "executed")).toEqual([]);
  const added = [...(await entriesOf("101")), ...(await entriesOf("desk"))];
  const ofTask = (strategy: unknown, entry: unknown): string => `${String(strategy)} ${String(entry)}`;
  expect(added.map((fields) => ofTask(fields["strategy_id"], fields["entry_id"])).toSorted()).toEqual(
    rows.map((row) => ofTask(row["strategy_id"], row["entry_id"])).toSorted(),
  );
  expect(new Set(added.map((fields) => fields["idempotency_key"])).size).toBe(total);
}, 120_000);

test("something else under the name of a strategy's stream fails its tasks with the reason, and nobody else's", async () => {
  await insertReference(routers.databaseUrl, rowsWithStrategies([streams(101), streams(102)]));
  await routers.redis.set(keyOf("101"), "in the way");
  await start();
  await publish(0, 20);
  await vi.waitFor(async () => expect(await outcomes()).toHaveLength(40), { timeout: 20_000, interval: 100 });
  const rows = await outcomes();
  const error = `Redis key ${keyOf("101")} is a string, expected a stream`;
  for (const row of rows.slice(0, 20)) {
    expect(row).toMatchObject({ strategy_id: 101, status: "failed", reason: "unusable_stream" });
    expect(row["detail"]).toEqual({ error });
  }
  for (const row of rows.slice(20)) expect(row).toMatchObject({ strategy_id: 102, status: "executed" });
  expect(await entriesOf("102")).toHaveLength(20);
  expect(await routers.redis.get(keyOf("101"))).toBe("in the way");
});
