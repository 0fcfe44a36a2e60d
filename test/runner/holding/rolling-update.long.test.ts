import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { rowsWithStrategies, signalFields, tickerRow } from "../../builders.ts";
import { byPace } from "../../long/pace.ts";
import { isInHistory, versionBefore, WITHOUT_LEASES } from "../../long/version-before.ts";
import { insertReference } from "../../servers/insert-reference.ts";
import { startCommand, untilItRuns, type RouterProcess } from "../../servers/router-process.ts";
import { traced, useExecutingRouters } from "../bindings/executing-fixture.ts";

/**
 * An update while signals come: routers of the version before leases are stopped and replaced in turn, with runs under way that take
 * much longer than a heartbeat.
 */

const { routers, start, outcomes } = useExecutingRouters();
const { taskMs, signals, everyMs, routerCount } = byPace({
  short: { taskMs: 3_000, signals: 20, everyMs: 150, routerCount: 1 },
  full: { taskMs: 20_000, signals: 150, everyMs: 200, routerCount: 3 },
});
const STRATEGIES = 4;
/** Tasks of one strategy and symbol run one after the other. */
const SYMBOLS = Array.from({ length: 30 }, (_, n) => `COIN${n}USDT`);
const until = { timeout: 200_000, interval: 100 };
/** A clone without the history can run everything but the short form of this. */
const canRun = byPace({ short: await isInHistory(WITHOUT_LEASES), full: true });

let folder = "";
beforeAll(async () => {
  if (canRun) folder = await versionBefore(WITHOUT_LEASES);
});
afterAll(async () => {
  if (folder !== "") await rm(folder, { recursive: true, force: true });
});

async function startOlder(): Promise<RouterProcess> {
  const script = join(folder, "test/runner/bindings/executing-router.ts");
  return untilItRuns(startCommand(process.execPath, ["--import", "tsx", script], routers.env));
}

test.runIf(canRun)(
  "routers of the version before, replaced in turn under load: nothing is run twice",
  async () => {
    const strategies = Array.from({ length: STRATEGIES }, (_, n) => traced(101 + n, { ms: taskMs }));
    const tickers = SYMBOLS.map((symbol) => tickerRow(symbol));
    await insertReference(routers.databaseUrl, rowsWithStrategies(strategies, { tickers }));
    Object.assign(routers.env, {
      FUNCTIONS: "process-signals,execute-strategies,persist-log,refresh-reference,reclaim,trim",
      BATCH_COUNT_MAX: "8",
      STRATEGY_CONCURRENCY_MAX: "400",
      STRATEGY_CONCURRENCY_PER_STRATEGY_MAX: "200",
      STRATEGY_TIMEOUT_MS: String(2 * taskMs),
      // A router that stops waits for what it has begun.
      SHUTDOWN_MS_MAX: String(3 * taskMs),
    });
    const older = await Promise.all(Array.from({ length: routerCount }, startOlder));
    const runs = async () => routers.redis.lrange(`${routers.keys.prefix}runs`, 0, -1);
    const sending = (async () => {
      for (let n = 0; n < signals; n += 1) {
        await routers.publish(signalFields({ uid: String(n), symbol: SYMBOLS[n % SYMBOLS.length] }));
        await pause(everyMs);
      }
    })();
    await vi.waitFor(async () => expect((await runs()).length).toBeGreaterThan(STRATEGIES), until);
    for (const router of older) {
      router.signal("SIGTERM");
      await start({ STRATEGY_TIMEOUT_MS: String(2 * taskMs), SHUTDOWN_MS_MAX: String(3 * taskMs) });
    }
    await sending;
    expect(await Promise.all(older.map(async (router) => router.ended()))).toEqual(older.map(() => 0));
    await vi.waitFor(async () => expect(await outcomes()).toHaveLength(signals * STRATEGIES), until);
    // A task that an older router gave back before it began it may have attempt 2.
    const begun = (await runs()).map((run) => run.split(" ").slice(0, 2).join(" "));
    expect(begun.filter((run, i) => begun.indexOf(run) < i)).toEqual([]);
    expect(begun).toHaveLength(signals * STRATEGIES);
  },
  until.timeout,
);
