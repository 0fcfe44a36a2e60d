import { describe, expect, test } from "vitest";
import { keysOf } from "../../../shared/keys.ts";
import { byPace } from "../../long/pace.ts";
import { expectDecided, sendSignals } from "../../old-systems/decided-signals.ts";
import { healthOf, useOldSystem, WITH_HTTP } from "../../old-systems/old-system-stage.ts";
import { V2_SIGNALS, V4_SIGNALS } from "../../old-systems/producer-signals.ts";
import { freshPrefix } from "../../servers/fixtures.ts";
import { sql } from "../../servers/insert-reference.ts";

/** Old systems in a database whose `public` has names of the router's, and several routers in one database. */

const ROWS = "SELECT table_name, count(*)::int AS columns FROM information_schema.columns";
const IN_PUBLIC = `${ROWS} WHERE table_schema = 'public' GROUP BY 1 ORDER BY 1`;

describe("v2", () => {
  const stage = useOldSystem("v2");
  const { routers } = stage;

  test("beside the tables of v1, which keep their names: the signals of every producer are decided", async () => {
    const before = await routers.sql(IN_PUBLIC);
    expect(before.map((row) => row["table_name"])).toEqual(
      expect.arrayContaining(["tickers", "signals", "strategies", "signal_log_entries"]),
    );
    const refused = await routers.run("migrate.ts", "--reference", "v2", "--yes");
    expect(refused).toMatchObject({
      code: 1,
      output: expect.stringMatching(/nothing was changed: .*DATABASE_SCHEMA/),
    });
    Object.assign(routers.env, WITH_HTTP, await stage.ownSchema("router"));
    await stage.migrate("--reference", "v2", "--yes");
    const router = await routers.start();
    await expectDecided(
      stage,
      await sendSignals(stage, { keys: routers.keys, schema: "router", signals: V2_SIGNALS }),
    );
    expect(await healthOf(router)).toBe("ready");
    expect(await routers.sql(IN_PUBLIC)).toEqual(before);
    expect(await routers.sql("SELECT status FROM public.signal_log_entries")).toEqual([{ status: "opened" }]);
  }, 120_000);
});

describe.runIf(byPace({ short: false, full: true }))("v4", () => {
  const stage = useOldSystem("v4");
  const { routers } = stage;

  test("two routers in two schemas: each decides its own signals and logs them in its own tables", async () => {
    const others = keysOf(freshPrefix());
    const [one, two] = [await stage.ownSchema("one"), await stage.ownSchema("two")];
    Object.assign(routers.env, one);
    await stage.migrate("--reference", "v4", "--yes");
    Object.assign(routers.env, two);
    await stage.migrate("--reference", "v4", "--yes");
    Object.assign(routers.env, one);
    await routers.start();
    Object.assign(routers.env, two, { KEY_PREFIX: others.prefix });
    await routers.start();
    await Promise.all([
      expectDecided(
        stage,
        await sendSignals(stage, { keys: routers.keys, schema: "one", signals: V4_SIGNALS }),
      ),
      expectDecided(stage, await sendSignals(stage, { keys: others, schema: "two", signals: V4_SIGNALS })),
    ]);
    for (const schema of ["one", "two"]) {
      const [log] = await routers.sql(
        `SELECT count(DISTINCT shard)::int AS shards FROM ${schema}.signal_log`,
      );
      expect(log).toEqual({ shards: 1 });
    }
    // Neither role may look into the other's schema.
    await expect(sql(one["DATABASE_URL"] ?? "", "SELECT FROM two.signal_log")).rejects.toThrow(
      "permission denied for schema two",
    );
  }, 120_000);
});
