import { expect, test } from "vitest";
import { expectDecided, sendSignals } from "../../old-systems/decided-signals.ts";
import { healthOf, useOldSystem, WITH_HTTP } from "../../old-systems/old-system-stage.ts";
import { V4_SIGNALS } from "../../old-systems/producer-signals.ts";

const stage = useOldSystem("v4");
const { routers } = stage;

test("from v4, with a role that owns one schema: migrate, start, and the signals of every producer are decided", async () => {
  Object.assign(routers.env, WITH_HTTP, await stage.ownSchema("router"));
  const printed = await stage.migrate("--reference", "v4", "--yes");
  expect(printed).toContain("Strategies: 12 of 20 may get signals");
  const router = await routers.start();
  await expectDecided(
    stage,
    await sendSignals(stage, { keys: routers.keys, schema: "router", signals: V4_SIGNALS }),
  );
  // The two rows of which the check has said so; nothing else.
  const health = (await healthOf(router)).split("\n");
  expect(health).toEqual([
    "degraded",
    expect.stringContaining("table tickers, row NULL, column symbol"),
    expect.stringContaining("table tickers, row ODDUSDT, column status"),
  ]);
  expect(await routers.redis.xlen(routers.keys.stream("dead_letters"))).toBe(0);
}, 120_000);
