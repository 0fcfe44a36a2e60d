import { expect, test, vi } from "vitest";
import { fieldsOf } from "../../../shared/entry.ts";
import { parseTask, type Task } from "../../../shared/task.ts";
import { rowsWithStrategies, signalFields, strategyRow, tickerRow } from "../../builders.ts";
import { insertReference } from "../../servers/insert-reference.ts";
import { useRouters } from "../../servers/router-fixture.ts";
import { untilItRuns, type RouterProcess } from "../../servers/router-process.ts";

const routers = useRouters();

async function start(env: Record<string, string> = {}): Promise<RouterProcess> {
  Object.assign(routers.env, {
    FUNCTIONS: "process-signals,execute-strategies,persist-log,refresh-reference,reclaim,trim",
    STRATEGY_TIMEOUT_MS: "1000",
    ...env,
  });
  return untilItRuns(routers.spawn("test/runner/bindings/executing-router.ts"));
}

const now = (): string => new Date().toISOString();
const traced = (id: number, params: Record<string, unknown>) =>
  strategyRow(id, { handler: "traced", params });

async function outcomes(): Promise<Record<string, unknown>[]> {
  return routers.sql(
    "SELECT strategy_id, status, reason, detail, attempt FROM signal_log_entries WHERE stage = 'execution' ORDER BY strategy_id",
  );
}

async function tasksInOrder(): Promise<Task[]> {
  const entries = await routers.redis.xrange(routers.keys.stream("strategy_input_stream"), "-", "+");
  return entries.map(([id, fields]) => {
    const parsed = parseTask({ id, fields: fieldsOf(fields) });
    if (!parsed.ok) throw new Error(parsed.error);
    return parsed.task;
  });
}

const runsOf = async (id: number): Promise<string[]> =>
  (await routers.redis.lrange(`${routers.keys.prefix}runs`, 0, -1)).filter((run) => run.startsWith(`${id} `));

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

test("each strategy sees the tasks of a symbol in stream order, whatever they take and however often the router is killed", async () => {
  const symbols = ["BTCUSDT", "ETHUSDT"];
  const strategies = [traced(101, { ms: 4 }), traced(102, { ms: 20 })];
  const tickers = symbols.map((symbol) => tickerRow(symbol));
  await insertReference(routers.databaseUrl, rowsWithStrategies(strategies, { tickers }));
  const env = { STRATEGY_TIMEOUT_MS: "5000" };
  let router = await start(env);
  async function publishAll(): Promise<void> {
    for (let i = 0; i < 1_000; i += 1) {
      for (const symbol of symbols) {
        const message = i % 2 === 0 ? "SIGNAL_1_LONG" : "SIGNAL_1_SHORT";
        await routers.publish(signalFields({ message, symbol, uid: `${symbol} ${i}` }));
      }
    }
  }
  const runCount = async (): Promise<number> => routers.redis.llen(`${routers.keys.prefix}runs`);
  async function killAgainAndAgain(): Promise<void> {
    // The first comes early, mostly while signals are still routed: those in hand are handed on behind later ones.
    for (const killAt of [10, 1_200, 2_500]) {
      const begun = async () => expect(await runCount()).toBeGreaterThan(killAt);
      await vi.waitFor(begun, { timeout: 60_000, interval: 3 });
      router.signal("SIGKILL");
      await router.ended();
      router = await start(env);
    }
  }
  await Promise.all([publishAll(), killAgainAndAgain()]);
  await vi.waitFor(async () => expect(await outcomes()).toHaveLength(4_000), {
    timeout: 100_000,
    interval: 500,
  });
  const tasks = await tasksInOrder();
  expect(tasks).toHaveLength(4_000);
  for (const id of [101, 102]) {
    const runs = (await runsOf(id)).map((run) => run.split(" ")[1] ?? "");
    for (const symbol of symbols) {
      const own = tasks.filter((task) => task.strategyId === id && task.symbol === symbol);
      const place = new Map(own.map(({ entryId }, i) => [entryId, i]));
      // A run that was cut off by a kill is repeated; nothing ever comes before an earlier one's last run.
      const seen = runs.map((entryId) => place.get(entryId)).filter((i) => i !== undefined);
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
      expect(new Set(seen).size).toBe(1_000);
    }
  }
  expect((await outcomes()).every(({ status }) => status === "executed")).toBe(true);
}, 180_000);

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
