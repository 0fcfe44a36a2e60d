import { expect, test, vi } from "vitest";
import { keysOf, type Keys } from "../../shared/keys.ts";
import { byPace } from "../long/pace.ts";
import { mixedReference, mixedSignal } from "../mixed-signals.ts";
import { freshPrefix } from "../servers/fixtures.ts";
import { insertReference } from "../servers/insert-reference.ts";
import { fieldsIn } from "../servers/redis-contents.ts";
import { useRouters } from "../servers/router-fixture.ts";
import type { RouterProcess } from "../servers/router-process.ts";

/** A shadow beside the router that trades, both killed again and again: both record each signal, and the trades are the same. */

const router = useRouters();
const { rounds, perRound } = byPace({
  short: { rounds: 2, perRound: 100 },
  full: { rounds: 10, perRound: 500 },
});
const COUNT = rounds * perRound;
const SUFFIX = "_new";
const SHADOW = { SHADOW: "true", GROUP_SUFFIX: SUFFIX };
const UNTIL = { timeout: 60_000, interval: 20 };

async function startWith(changes: Readonly<Record<string, string>>): Promise<RouterProcess> {
  Object.assign(router.env, { SHADOW: "", GROUP_SUFFIX: "", ...changes });
  return router.start();
}

async function publish(
  keys: Keys,
  signals: readonly Readonly<Record<string, string | Buffer>>[],
): Promise<void> {
  const pipeline = router.redis.pipeline();
  for (const fields of signals)
    pipeline.xadd(keys.stream("signals_stream"), "*", ...Object.entries(fields).flat());
  await pipeline.exec();
}

/** How each entry was decided; which of several with one uid came first is left open, since kills change their order. */
async function decisionsOf(keys: Keys): Promise<string[]> {
  const rows = await router.sql("SELECT entry_id, uid, status, reason FROM signal_log WHERE shard = $1", [
    keys.shard,
  ]);
  const isTaken = ({ status, reason }: (typeof rows)[number]): boolean =>
    status === "dispatched" || status === "duplicate" || reason === "shadow";
  return rows
    .map(
      (row) =>
        `${String(row["entry_id"])} ${isTaken(row) ? `taken ${String(row["uid"])}` : `${String(row["status"])} ${String(row["reason"])}`}`,
    )
    .toSorted();
}

async function untilLogged(keys: Keys): Promise<void> {
  await vi.waitFor(async () => {
    const [row] = await router.sql("SELECT count(*)::int AS n FROM signal_log WHERE shard = $1", [
      keys.shard,
    ]);
    expect(row?.["n"]).toBe(COUNT);
  }, UNTIL);
}

async function tasksOf(keys: Keys): Promise<string[]> {
  const tasks = await fieldsIn(router.redis, keys.stream("strategy_input_stream"));
  return tasks.map(({ log_uid, strategy_id }) => `${log_uid} ${strategy_id}`).toSorted();
}

/** The first part of each key's name. */
async function keyNames({ prefix }: Keys): Promise<string[]> {
  const names = (await router.redis.keys(`${prefix}*`)).map(
    (key) => key.slice(prefix.length).split(":")[0] ?? "",
  );
  return [...new Set(names)].filter((name) => name !== "sequence").toSorted();
}

test("the router trades what it trades alone, and the shadow records each signal under its own names", async () => {
  await insertReference(router.databaseUrl, mixedReference());
  // The run alone comes later, and must find no signal older.
  await router.sql("UPDATE strategies SET signal_age_ms_max = NULL");
  Object.assign(router.env, { BATCH_COUNT_MAX: "40", DELIVERIES_MAX: "1000", SIGNAL_AGE_MS_MAX: "500000" });
  const { redis, keys } = router;
  const [shadow, alone] = [keysOf(keys.prefix, { groupSuffix: SUFFIX }), keysOf(freshPrefix())];
  const signals = Array.from({ length: COUNT }, (_, i) => mixedSignal(i, Date.now()));
  let [trading, beside] = [await startWith({}), await startWith(SHADOW)];
  await vi.waitFor(
    async () => expect(await redis.hexists(shadow.groups, "signals_stream:signal_processor")).toBe(1),
    UNTIL,
  );
  for (let round = 0; round < rounds; round += 1) {
    const before = await redis.xlen(keys.stream("signal_results"));
    await publish(keys, signals.slice(round * perRound, (round + 1) * perRound));
    await vi.waitFor(
      async () => expect(await redis.xlen(keys.stream("signal_results"))).toBeGreaterThan(before),
      UNTIL,
    );
    const killed = round % 2 === 0 ? beside : trading;
    killed.signal("SIGKILL");
    await killed.ended();
    if (killed === beside) beside = await startWith(SHADOW);
    else trading = await startWith({});
  }
  await untilLogged(keys);
  await untilLogged(shadow);
  await startWith({ KEY_PREFIX: alone.prefix });
  await publish(alone, signals);
  await untilLogged(alone);

  expect(await tasksOf(keys)).toEqual(await tasksOf(alone));
  expect((await tasksOf(keys)).length).toBeGreaterThan(rounds);
  expect(await decisionsOf(shadow)).toEqual(await decisionsOf(keys));
  const names = await keyNames(keys);
  expect(names.filter((name) => !name.endsWith(SUFFIX))).toEqual(await keyNames(alone));
  expect(names).not.toContain(`strategy_input_stream${SUFFIX}`);
  expect(await redis.xlen(keys.stream("signal_results"))).toBe(COUNT);
  const claimed = `count(*) FILTER (WHERE status = 'dispatched' OR reason = 'shadow')::int AS n`;
  const counts = await router.sql(`SELECT ${claimed} FROM signal_log WHERE shard = ANY ($1) GROUP BY shard`, [
    [keys.shard, shadow.shard],
  ]);
  expect(counts[0]).toEqual(counts[1]);
}, 240_000);
