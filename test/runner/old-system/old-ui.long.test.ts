import { expect, test, vi } from "vitest";
import { byPace } from "../../long/pace.ts";
import { expectDecided, sendSignals } from "../../old-systems/decided-signals.ts";
import { useOldSystem } from "../../old-systems/old-system-stage.ts";
import { V4_SIGNALS } from "../../old-systems/producer-signals.ts";

/** The web UI of v4 beside a router: its switches, and what its pages read. */

const stage = useOldSystem("v4");
const { routers } = stage;

const switched = (action: string, symbol: string): string =>
  JSON.stringify({ type: "ticker", action, symbol, source: "ui" });
const enabled = (id: number, action: string): string =>
  JSON.stringify({ id, type: "enabled", action, source: "ui" });

/** What the UI does: the change in a table, then where it says so, and what. */
const SWITCHES = [
  [
    "UPDATE tickers_bb SET status = 'disabled' WHERE id = 1",
    "bb:tickers_events",
    switched("disabled", "BTCUSDT"),
  ],
  [
    "UPDATE tickers_bb SET tradepermission = 'enabled' WHERE id = 5",
    "tickers_bb_events",
    switched("enabled", "NOTUSDT"),
  ],
  [
    "UPDATE tickers_bb SET status = 'enabled' WHERE id = 1",
    "tickers_v4_events",
    switched("enabled", "BTCUSDT"),
  ],
  ["UPDATE signals_v4 SET enabled = true WHERE id = 6", "signals_v4_events", enabled(6, "true")],
  ["UPDATE strategies_v4 SET enabled = false WHERE id = 1", "strategies_v4_events", enabled(1, "false")],
  ["UPDATE strategies_v4 SET use_all_tickers = true WHERE id = 9", "strategy_state_stream"],
  [
    "INSERT INTO strategies_v4 (id, name, signal_id, enabled, archived, use_all_tickers, allow_open) VALUES (50, 'new', 1, true, false, true, true)",
    "strategy_update_stream",
  ],
] as const;

test("a switch is in the snapshot at once, by the channels and streams that migrate names", async () => {
  const { redis, keys, env } = routers;
  Object.assign(env, await stage.ownSchema("router"), { REFERENCE_REFRESH_MS: "3600000" });
  const printed = await stage.migrate("--reference", "v4", "--yes");
  Object.assign(
    env,
    Object.fromEntries(
      [...printed.matchAll(/^(REFERENCE_\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
    ),
  );
  await routers.start();
  const version = async (): Promise<string> => String(await redis.get(keys.referenceCurrent));
  const channels = env["REFERENCE_CHANNELS"]?.split(",") ?? [];
  await vi.waitFor(async () => {
    const [, count] = (await redis.pubsub("NUMSUB", channels[0] ?? "")) as [string, number];
    expect(count).toBeGreaterThan(0);
    expect(await version()).not.toBe("null");
  });
  const rounds = byPace({ short: 1, full: 5 });
  const took: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const [statement, place, message] of SWITCHES) {
      const before = await version();
      await routers.sql(statement);
      const from = performance.now();
      if (message === undefined) await redis.xadd(place, "*", "applied", "1");
      else await redis.publish(place, message);
      await vi.waitFor(async () => expect(await version()).not.toBe(before), { interval: 2 });
      took.push(performance.now() - from);
    }
    await routers.sql(
      `UPDATE tickers_bb SET tradepermission = 'disabled' WHERE id = 5; UPDATE signals_v4 SET enabled = false WHERE id = 6;
       UPDATE strategies_v4 SET enabled = true WHERE id = 1; UPDATE strategies_v4 SET use_all_tickers = NULL WHERE id = 9;
       DELETE FROM strategies_v4 WHERE id = 50`,
    );
    const before = await version();
    await redis.publish("strategies_v4_events", "");
    await vi.waitFor(async () => expect(await version()).not.toBe(before));
  }
  const [median, most] = [took.toSorted((a, b) => a - b)[Math.floor(took.length / 2)], Math.max(...took)];
  console.log(
    `${took.length} switches were in the snapshot after ${median?.toFixed(0)} ms (median), ${most.toFixed(0)} ms at most`,
  );
  await redis.del("strategy_state_stream", "strategy_update_stream");
}, 120_000);

const strategiesIn = (raw: unknown): readonly number[] =>
  (JSON.parse(String(raw)) as { readonly strategies: readonly number[] }).strategies;
const isFull = byPace({ short: false, full: true });

test.runIf(isFull)(
  "--compat on and off beside a running router: its pages have both logs and the counters",
  async () => {
    const { redis, keys, env } = routers;
    const url = env["DATABASE_URL"] ?? "";
    Object.assign(env, await stage.ownSchema("router"));
    await stage.migrate("--reference", "v4", "--yes");
    await routers.start();
    await expectDecided(stage, await sendSignals(stage, { keys, schema: "router", signals: V4_SIGNALS }));
    const refused = await routers.run("migrate.ts", "--reference", "v4", "--compat", "on");
    expect(refused).toMatchObject({
      code: 1,
      output: expect.stringContaining("public.signals_v4_log belongs to role router"),
    });

    const before = await routers.sql("SELECT * FROM signals_v4_log ORDER BY id");
    env["DATABASE_URL"] = url;
    await stage.migrate("--reference", "v4", "--compat", "on");
    const page = await routers.sql("SELECT * FROM signals_v4_log ORDER BY id DESC LIMIT 50");
    const dispatched = V4_SIGNALS.filter(({ decision }) => decision.startsWith("dispatched"));
    const strategies = dispatched.map(({ decision }) => decision.split(" ").slice(1).map(Number));
    const shown = page
      .toReversed()
      .filter(({ status }) => status === "dispatched")
      .map((row) => `${row["message"] as string} ${strategiesIn(row["raw_message"]).join(" ")}`);
    expect(shown).toEqual(
      ["EMA_LONG 1 2"].concat(dispatched.map(({ message }, i) => `${message} ${strategies[i]?.join(" ")}`)),
    );
    expect(page.slice(-2).map(({ uid }) => uid)).toEqual(["old-2", "old-1"]);
    // The next signal is on the page, and the status page has the counters.
    await expectDecided(
      stage,
      await sendSignals(stage, {
        keys,
        schema: "router",
        signals: [{ form: "zulu", message: "EMA_SHORT", symbol: "INAUSDT", decision: "dispatched 1 2 4" }],
      }),
    );
    const [newest] = await routers.sql("SELECT symbol, status FROM signals_v4_log ORDER BY id DESC LIMIT 1");
    expect(newest).toEqual({ symbol: "INAUSDT", status: "dispatched" });
    const processed = V4_SIGNALS.length + 1;
    await vi.waitFor(
      async () =>
        expect(await redis.hgetall(keys.oldMetrics)).toMatchObject({
          signals_processed_total: String(processed),
          signals_dispatched_total: String(dispatched.length + 1),
          signals_ignored_total: String(processed - dispatched.length - 1),
          strategies_dispatched_total: String(strategies.flat().length + 3),
          processing_latency_ms: expect.stringMatching(/^\d+(\.\d)?$/),
        }),
      { timeout: 90_000, interval: 100 },
    );

    await stage.migrate("--reference", "v4", "--compat", "off");
    expect(await routers.sql("SELECT * FROM signals_v4_log ORDER BY id")).toEqual(before);
    await routers.sql(
      "INSERT INTO signals_v4_log (symbol, status, uid) VALUES ('BTCUSDT', 'dispatched', 'of the old router')",
    );
  },
  180_000,
);
