import { expect, test, vi } from "vitest";
import { rowsWithStrategies, signalFields } from "../../builders.ts";
import { insertReference } from "../../servers/insert-reference.ts";
import { traced, useExecutingRouters } from "./executing-fixture.ts";

const { routers, start, outcomes, runsOf } = useExecutingRouters();
const now = (): string => new Date().toISOString();

test("of 50 strategies one hangs, one throws and one ends the process: the others are done once", async () => {
  const ids = Array.from({ length: 50 }, (_, i) => 100 + i);
  const special: Record<number, Record<string, unknown>> = {
    110: { does: "hang" },
    120: { does: "throw" },
    130: { does: "kill", until: 2 },
  };
  await insertReference(
    routers.databaseUrl,
    rowsWithStrategies(ids.map((id) => traced(id, special[id] ?? {}))),
  );
  const first = await start();
  await routers.publish(signalFields({ bar_time: now(), sent_at: now() }));
  expect(await first.ended()).toBe("SIGKILL");
  await start();
  await vi.waitFor(async () => expect(await outcomes()).toHaveLength(50), { timeout: 25_000, interval: 200 });
  const rows = await outcomes();
  expect(rows.filter(({ status }) => status === "executed")).toHaveLength(48);
  expect(rows.find((row) => row["strategy_id"] === 110)).toMatchObject({
    status: "failed",
    reason: "timeout",
  });
  expect(rows.find((row) => row["strategy_id"] === 120)).toMatchObject({
    status: "failed",
    reason: "error",
    detail: { error: "thrown by the strategy" },
  });
  expect(rows.find((row) => row["strategy_id"] === 130)).toMatchObject({ status: "executed", attempt: 2 });
});

test("what fails for a while is tried again until it works, and each attempt has the same key", async () => {
  await insertReference(
    routers.databaseUrl,
    rowsWithStrategies([traced(101, { does: "retry", until: 3 }), traced(102, { does: "retry" })]),
  );
  await start({ DELIVERIES_MAX: "3" });
  await routers.publish(signalFields({ bar_time: now() }));
  await vi.waitFor(async () => expect(await outcomes()).toHaveLength(2), { timeout: 25_000, interval: 200 });
  expect(await outcomes()).toMatchObject([
    { status: "executed", detail: { attempt: 3 }, attempt: 3 },
    { status: "failed", reason: "attempts_exhausted", detail: { error: "busy" }, attempt: 3 },
  ]);
  const attempts =
    "SELECT strategy_id, attempt, status, reason FROM signal_log_entries WHERE stage = 'attempt' ORDER BY 1, 2";
  const failed = { status: "failed", reason: "retryable_error" };
  await vi.waitFor(async () => expect(await routers.sql(attempts)).toHaveLength(4), { timeout: 10_000 });
  expect(await routers.sql(attempts)).toEqual(
    [101, 102].flatMap((strategy_id) => [1, 2].map((attempt) => ({ strategy_id, attempt, ...failed }))),
  );
  const keys = (await runsOf(101)).map((run) => run.split(" ").at(-1));
  expect(keys).toHaveLength(3);
  expect(new Set(keys).size).toBe(1);
  const [letter] = await routers.redis.xrange(routers.keys.stream("dead_letters"), "-", "+");
  expect(letter?.[1]).toEqual(expect.arrayContaining(["attempts_exhausted", "busy"]));
});

test("a task whose process dies each time is given up on, with an outcome and a dead letter", async () => {
  await insertReference(
    routers.databaseUrl,
    rowsWithStrategies([traced(101, { does: "kill" }), traced(102, {})]),
  );
  const env = { DELIVERIES_MAX: "3" };
  const first = await start(env);
  await routers.publish(signalFields({ bar_time: now() }));
  await first.ended();
  await (await start(env)).ended();
  await (await start(env)).ended();
  await start(env);
  await vi.waitFor(async () => expect(await outcomes()).toHaveLength(2), { timeout: 25_000, interval: 200 });
  expect(await outcomes()).toMatchObject([
    { strategy_id: 101, status: "failed", reason: "attempts_exhausted", attempt: 3 },
    { strategy_id: 102, status: "executed" },
  ]);
  expect(await routers.redis.xlen(routers.keys.stream("dead_letters"))).toBe(1);
});

test("secrets are nowhere in the record", async () => {
  await insertReference(routers.databaseUrl, rowsWithStrategies([traced(101, { does: "secret" })]));
  await start({ STRATEGY_SECRET_BROKER: "s3cr3t-of-the-broker" });
  await routers.publish(signalFields({ bar_time: now() }));
  await vi.waitFor(async () => expect(await outcomes()).toHaveLength(1), { timeout: 25_000, interval: 200 });
  expect(await outcomes()).toMatchObject([{ status: "failed", detail: { error: "broker said no to ***" } }]);
});
