import { expect, test, vi } from "vitest";
import { rowsWithStrategies } from "../../builders.ts";
import { byPace } from "../../long/pace.ts";
import { insertReference } from "../../servers/insert-reference.ts";
import { streams, useStreamStrategies } from "./stream-strategy-fixture.ts";

const { routers, start, keyOf, entriesOf, outcomes, publish } = useStreamStrategies();

test("through kills at random moments, a stream gets one entry per executed task, and no other", async () => {
  const strategies = [streams(101), streams(102, { stream: "desk" }), streams(103, { stream: "desk" })];
  await insertReference(routers.databaseUrl, rowsWithStrategies(strategies));
  const { rounds, perRound } = byPace({
    short: { rounds: 2, perRound: 30 },
    full: { rounds: 10, perRound: 60 },
  });
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
