import { expect, test, vi } from "vitest";
import { rowsWithStrategies } from "../../builders.ts";
import { insertReference } from "../../servers/insert-reference.ts";
import { streams, useStreamStrategies } from "./stream-strategy-fixture.ts";

const { routers, start, keyOf, entriesOf, outcomes, publish } = useStreamStrategies();

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
