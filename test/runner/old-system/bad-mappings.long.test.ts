import { expect, test, vi } from "vitest";
import { byPace } from "../../long/pace.ts";
import { expectDecided, sendSignals } from "../../old-systems/decided-signals.ts";
import { healthOf, untilHealth, useOldSystem, WITH_HTTP } from "../../old-systems/old-system-stage.ts";

/** What becomes of a mapping while a router decides on it. */

const stage = useOldSystem("v4");
const { routers } = stage;

interface Fault {
  readonly what: string;
  readonly by: string;
  readonly mended: string;
  /** Table and column, as health names them. */
  readonly named: RegExp;
}

const role = (): string => new URL(routers.env["DATABASE_URL"] ?? "").username;

/** Puts another view in the place of one of the router's, in one transaction. */
const replaced = (name: string, columns: string, rest = ""): Pick<Fault, "by" | "mended"> => ({
  by: `ALTER VIEW router.${name} RENAME TO kept;
    CREATE VIEW router.${name} AS SELECT ${columns} FROM router.kept ${rest}; GRANT SELECT ON router.${name} TO ${role()}`,
  mended: `DROP VIEW router.${name}; ALTER VIEW router.kept RENAME TO ${name}`,
});

const faults = (): readonly Fault[] => [
  {
    what: "a column goes missing",
    ...replaced("strategies", "id, enabled, archived, allow_open"),
    named: /table strategies, column name is missing/,
  },
  {
    what: "a column changes its type",
    ...replaced("strategy_signals", "'S' || strategy_id AS strategy_id, signal_id"),
    named: /table strategy_signals, column strategy_id is of type text, expected/,
  },
  {
    what: "an old table may no longer be read",
    by: `REVOKE SELECT ON signals_v4 FROM ${role()}`,
    mended: `GRANT SELECT ON signals_v4 TO ${role()}`,
    named:
      /table signals cannot be read: Postgres denies permission: permission denied for table signals_v4 .*; grant it: GRANT SELECT ON signals_v4 TO/,
  },
  {
    what: "a view takes too long",
    ...replaced("tickers", "*", "WHERE pg_sleep(5) IS NOT NULL"),
    named: /table tickers could not be read within 1 s: if it is a view, make it faster/,
  },
  {
    what: "a view goes",
    by: "ALTER VIEW router.strategy_tickers RENAME TO kept",
    mended: "ALTER VIEW router.kept RENAME TO strategy_tickers",
    named:
      /table strategy_tickers cannot be read: Postgres lacks a table: relation "router.strategy_tickers" does not exist/,
  },
];

test("while the mapping is bad the old snapshot goes on, health names table and column, and it recovers by itself", async () => {
  Object.assign(routers.env, WITH_HTTP, await stage.ownSchema("router"), { REFERENCE_REFRESH_MS: "300" });
  await stage.migrate("--reference", "v4", "--yes");
  // Lower than the router's own limit, which stays as it is set.
  await routers.sql(`ALTER ROLE ${role()} SET statement_timeout = '1s'`);
  const router = await routers.start();
  const { redis, keys } = routers;
  let bar = 0;
  const decidesAsBefore = async () => {
    const signal = {
      form: "zulu",
      message: "EMA_LONG",
      symbol: "BTCUSDT",
      decision: "dispatched 1 2 4 11",
    } as const;
    await expectDecided(
      stage,
      await sendSignals(stage, { keys, schema: "router", signals: [signal], barsBack: (bar += 1) }),
    );
  };
  await decidesAsBefore();
  const version = await redis.get(keys.referenceCurrent);
  const before = await healthOf(router);
  const all = faults();
  for (const { what, by, mended, named } of byPace({ short: all.slice(0, 1), full: all })) {
    await routers.sql(by);
    await untilHealth(router, named);
    expect([what, await healthOf(router)]).toEqual([what, expect.stringMatching(/^degraded\n/)]);
    expect(await redis.get(keys.referenceCurrent)).toBe(version);
    await decidesAsBefore();
    await routers.sql(mended);
    await vi.waitFor(async () => expect([what, await healthOf(router)]).toEqual([what, before]), {
      timeout: 60_000,
    });
    await decidesAsBefore();
  }
  expect(await redis.xlen(keys.stream("dead_letters"))).toBe(0);
}, 240_000);
