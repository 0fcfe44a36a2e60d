import { expect, test, vi } from "vitest";
import { rowsWithStrategies, signalFields, tickerRow } from "../../builders.ts";
import { byPace } from "../../long/pace.ts";
import { insertReference } from "../../servers/insert-reference.ts";
import { traced, useExecutingRouters } from "./executing-fixture.ts";

const { routers, start, outcomes, tasksInOrder, runsOf } = useExecutingRouters();

/** Signals per symbol. */
const COUNT = byPace({ short: 200, full: 1_000 });
/** The first kill comes early, mostly while signals are still routed: those in flight are handed on behind later ones. */
const KILLED_AFTER_RUNS = [10, 1.2 * COUNT, 2.5 * COUNT];

test("each strategy sees the tasks of a symbol in stream order, whatever they take and however often the router is killed", async () => {
  const symbols = ["BTCUSDT", "ETHUSDT"];
  const strategies = [traced(101, { ms: 4 }), traced(102, { ms: 20 })];
  const tickers = symbols.map((symbol) => tickerRow(symbol));
  await insertReference(routers.databaseUrl, rowsWithStrategies(strategies, { tickers }));
  const env = { STRATEGY_TIMEOUT_MS: "5000" };
  let router = await start(env);
  async function publishAll(): Promise<void> {
    for (let i = 0; i < COUNT; i += 1) {
      for (const symbol of symbols) {
        const message = i % 2 === 0 ? "SIGNAL_1_LONG" : "SIGNAL_1_SHORT";
        await routers.publish(signalFields({ message, symbol, uid: `${symbol} ${i}` }));
      }
    }
  }
  const runCount = async (): Promise<number> => routers.redis.llen(`${routers.keys.prefix}runs`);
  async function killAgainAndAgain(): Promise<void> {
    for (const killAt of KILLED_AFTER_RUNS) {
      const begun = async () => expect(await runCount()).toBeGreaterThan(killAt);
      await vi.waitFor(begun, { timeout: 60_000, interval: 3 });
      router.signal("SIGKILL");
      await router.ended();
      router = await start(env);
    }
  }
  await Promise.all([publishAll(), killAgainAndAgain()]);
  await vi.waitFor(async () => expect(await outcomes()).toHaveLength(4 * COUNT), {
    timeout: 100_000,
    interval: 500,
  });
  const tasks = await tasksInOrder();
  expect(tasks).toHaveLength(4 * COUNT);
  for (const id of [101, 102]) {
    const runs = (await runsOf(id)).map((run) => run.split(" ")[1] ?? "");
    for (const symbol of symbols) {
      const own = tasks.filter((task) => task.strategyId === id && task.symbol === symbol);
      const place = new Map(own.map(({ entryId }, i) => [entryId, i]));
      // A run that was cut off by a kill is repeated; nothing ever comes before an earlier one's last run.
      const seen = runs.map((entryId) => place.get(entryId)).filter((i) => i !== undefined);
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
      expect(new Set(seen).size).toBe(COUNT);
    }
  }
  expect((await outcomes()).every(({ status }) => status === "executed")).toBe(true);
}, 180_000);
