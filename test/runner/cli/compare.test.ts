import { expect, test } from "vitest";
import { referenceRows, signalRow, strategyRow } from "../../builders.ts";
import { insertReference } from "../../servers/insert-reference.ts";
import { useRouters } from "../../servers/router-fixture.ts";

const router = useRouters();
const compare = async (...args: string[]) =>
  router.run("cli.ts", "compare", "--table", "ui.signals_v4_log", ...args);

/** 5,000 signals, one a second; each third has an unknown phrase, of which the router before has no row. */
async function fillLogs(): Promise<void> {
  await insertReference(
    router.databaseUrl,
    referenceRows({
      signals: [signalRow(1), signalRow(2, { long_phrase: "SIGNAL_1_LONG" })],
      strategies: [strategyRow(10, { name: "Trend follower" }), strategyRow(20, { name: "Second" })],
      strategy_signals: [
        { strategy_id: 10, signal_id: 1 },
        { strategy_id: 20, signal_id: 2 },
      ],
    }),
  );
  await router.sql(
    `INSERT INTO signal_log (shard, entry_id, invocation, status, reason, detail, signal_id, direction, symbol, message, raw,
       bar_time, received_at, decided_at, snapshot)
     SELECT $1, (1764500000000 + n * 1000) || '-0', 'live', CASE WHEN n % 3 = 0 THEN 'ignored' ELSE 'dispatched' END,
       CASE WHEN n % 3 = 0 THEN 'unknown_phrase' END, '{}', CASE WHEN n % 3 = 0 THEN NULL ELSE 1 END,
       CASE WHEN n % 3 = 0 THEN NULL ELSE 'long' END, 'BTCUSDT', 'SIGNAL_1_LONG',
       '{"message": "SIGNAL_1_LONG", "symbol": "BTCUSDT"}', to_timestamp(1764500000 + n), to_timestamp(1764500000 + n),
       now(), 'v'
     FROM generate_series(1, 5000) n`,
    [router.keys.prefix],
  );
  await router.sql(
    `INSERT INTO signal_log_entries (shard, entry_id, invocation, strategy_id, stage, status, detail, at)
     SELECT shard, entry_id, invocation, 10, 'routing', 'shadow', '{}', decided_at FROM signal_log WHERE status = 'dispatched'`,
  );
  await router.sql("CREATE SCHEMA ui");
  await router.sql(
    `CREATE TABLE ui.signals_v4_log (id serial PRIMARY KEY, signal_id int, symbol text, direction text, message text,
       raw_message text, bar_time timestamp, received_at timestamp, logged_at timestamp, status text, uid text UNIQUE)`,
  );
  await router.sql(
    `INSERT INTO ui.signals_v4_log (signal_id, symbol, direction, message, raw_message, bar_time, received_at, status)
     SELECT signal_id, symbol, direction, message, '{"strategies": [10]}', bar_time AT TIME ZONE 'UTC',
       received_at AT TIME ZONE 'UTC' + interval '456 microseconds', 'dispatched'
     FROM signal_log WHERE status = 'dispatched' ORDER BY received_at`,
  );
}

test("two logs of thousands of rows are compared in pages, and each planted difference is named with its class", async () => {
  await fillLogs();
  const equal = await compare();
  expect(equal.output).toMatch(
    /received from .*, where both logs have signals\n +5000 signals here, 3334 there; 5000 agree\n/,
  );
  expect(equal.code).toBe(0);

  // Row 1001: a strategy of the second signal with the phrase; row 2: another strategy; row 500: no row.
  const raw = (n: number, status: string) => [JSON.stringify({ strategies: [] }), status, n];
  await router.sql(
    "UPDATE ui.signals_v4_log SET raw_message = $1, status = $2 WHERE id = $3",
    raw(2_000, "ignored"),
  );
  await router.sql("DELETE FROM ui.signals_v4_log WHERE id = 500");
  await router.sql(
    `INSERT INTO signal_log_entries (shard, entry_id, invocation, strategy_id, stage, status, detail, at)
     SELECT shard, entry_id, invocation, 20, 'routing', 'dispatched', '{}', decided_at FROM signal_log
     WHERE entry_id = '1764501000000-0'`,
  );
  const different = await compare("--json", "--from", "2025-11-30T10:00:00Z", "--to", "2025-12-01");
  expect(different.code).toBe(1);
  const { differences, first, ...facts } = JSON.parse(different.output);
  expect(facts).toMatchObject({
    here: 5_000,
    there: 3_333,
    agreeing: 4_997,
    common_span: false,
    strategies_unknown: 0,
  });
  expect(differences).toEqual({ other: 2, repeat: 0, union_of_phrases: 1, case: 0, time: 0, exit: 0 });
  expect(first.map((each: { kind: string }) => each.kind)).toEqual([
    "missing_there",
    "dispatched_here",
    "strategies",
  ]);
  expect(first[2]).toMatchObject({
    class: "union_of_phrases",
    entry_id: "1764501000000-0",
    strategies: [
      { id: 10, name: "Trend follower" },
      { id: 20, name: "Second" },
    ],
    there: { dispatched: true, strategies: [{ id: 10, name: "Trend follower" }] },
  });

  const unknown = await router.run("cli.ts", "compare", "--table", "signals_v4_log");
  expect(unknown).toMatchObject({
    code: 2,
    output: expect.stringContaining("no table signals_v4_log in this database"),
  });
}, 60_000);
