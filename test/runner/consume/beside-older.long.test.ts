import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { rowsWithStrategies, signalFields, tickerRow } from "../../builders.ts";
import { byPace } from "../../long/pace.ts";
import { isInHistory, versionBefore, WITHOUT_HEARTBEATS } from "../../long/version-before.ts";
import { insertReference } from "../../servers/insert-reference.ts";
import { startCommand, untilItRuns } from "../../servers/router-process.ts";
import { traced, useExecutingRouters } from "../bindings/executing-fixture.ts";

/** A router without heartbeats and one with them share the tasks of strategies that take much longer than CLAIM_IDLE_MS. */

const { routers, start, outcomes } = useExecutingRouters();
const { claimIdleMs, taskMsMax } = byPace({
  // Long enough for a process that starts beside other tests to touch what it has in flight.
  short: { claimIdleMs: 2_500, taskMsMax: 9_000 },
  full: { claimIdleMs: 3_000, taskMsMax: 60_000 },
});
const STRATEGIES = 12;
const SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT"];
/** Without the log, whose table has another key since then: what an older router reads of it waits until that router has stopped. */
const OLDER_FUNCTIONS = "process-signals,execute-strategies,reclaim,trim";
const until = { timeout: 3 * taskMsMax + 30_000, interval: 50 };

async function startOlder(env: Record<string, string>): Promise<void> {
  const folder = await versionBefore(WITHOUT_HEARTBEATS);
  const script = join(folder, "test/runner/bindings/executing-router.ts");
  const older = startCommand(process.execPath, ["--import", "tsx", script], env);
  onTestFinished(async () => {
    older.signal("SIGKILL");
    await older.ended();
    await rm(folder, { recursive: true, force: true });
  });
  await untilItRuns(older);
}

const runs = async () => routers.redis.lrange(`${routers.keys.prefix}runs`, 0, -1);

/** A clone without the history can run everything but the short form of this. */
const canRun = byPace({ short: await isInHistory(WITHOUT_HEARTBEATS), full: true });

test.runIf(canRun)(
  "neither runs a task that the other has in flight, whichever comes first",
  async () => {
    const tickers = SYMBOLS.map((symbol) => tickerRow(symbol));
    const strategies = Array.from({ length: STRATEGIES }, (_, n) => traced(101 + n, { ms: taskMsMax }));
    await insertReference(routers.databaseUrl, rowsWithStrategies(strategies, { tickers }));
    Object.assign(routers.env, {
      // So that each takes some.
      BATCH_COUNT_MAX: "3",
      CLAIM_IDLE_MS: String(claimIdleMs),
      STRATEGY_TIMEOUT_MS: String(2 * taskMsMax),
    });
    await start({ STRATEGY_TIMEOUT_MS: String(2 * taskMsMax) });
    let begun = 0;
    for (const symbol of SYMBOLS) {
      await routers.publish(signalFields({ symbol, uid: symbol, bar_time: new Date().toISOString() }));
      begun += STRATEGIES;
      await vi.waitFor(async () => expect((await runs()).length).toBeGreaterThanOrEqual(begun), until);
      // Beside one that has tasks in flight already.
      if (symbol === SYMBOLS[0]) await startOlder({ ...routers.env, FUNCTIONS: OLDER_FUNCTIONS });
      else await start({ STRATEGY_TIMEOUT_MS: String(2 * taskMsMax) });
    }
    await vi.waitFor(async () => expect(await outcomes()).toHaveLength(begun), until);
    const attempts = (await runs()).map((run) => run.split(" "));
    expect(attempts.filter(([, , attempt]) => attempt !== "1")).toEqual([]);
    expect(attempts).toHaveLength(begun);
    const consumers = (await routers.redis.xinfo(
      "CONSUMERS",
      routers.keys.stream("strategy_input_stream"),
      "strategy_executor",
    )) as unknown[];
    expect(consumers.length).toBeGreaterThanOrEqual(2);
  },
  until.timeout,
);
