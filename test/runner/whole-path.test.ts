import { describe, expect, test, vi } from "vitest";
import { fieldsOf, type Fields } from "../../shared/entry.ts";
import { pause } from "../../shared/io/reference/control-store.ts";
import { asRead, mixedReference, mixedSignal, PAUSED_STRATEGY } from "../mixed-signals.ts";
import { expectedDecision } from "../oracle.ts";
import { insertReference } from "../servers/insert-reference.ts";
import { useRouters } from "../servers/router-fixture.ts";

const TASK_FIELDS = [
  "strategy_id",
  "signal_id",
  "symbol",
  "direction",
  "time",
  "received_at",
  "log_uid",
  "source",
];

const router = useRouters();

/** Adds the mixture and gives the entries as they are in the stream, in order. */
async function publishMixture(from: number, count: number): Promise<Map<string, Fields>> {
  const { redis, keys } = router;
  const entries = new Map<string, Fields>();
  const pipeline = redis.pipeline();
  const sent = Array.from({ length: count }, (_, i) => mixedSignal(from + i, Date.now()));
  for (const fields of sent)
    pipeline.xadd(keys.stream("signals_stream"), "*", ...Object.entries(fields).flat());
  const replies = (await pipeline.exec()) ?? [];
  for (const [i, [, id]] of replies.entries()) entries.set(String(id), asRead(sent[i] ?? {}));
  return entries;
}

/** Compares log, tasks and counters with what the rules say about each entry, told independently. */
async function expectExactly(entries: ReadonlyMap<string, Fields>): Promise<void> {
  const { redis, keys } = router;
  const rows = await router.sql("SELECT * FROM signal_log");
  expect(rows.length).toBe(entries.size);
  const tasks = (await redis.xrange(keys.stream("strategy_input_stream"), "-", "+")).map(([, flat]) =>
    fieldsOf(flat),
  );
  const tasksByEntry = grouped(tasks, (task) => task["entry_id"]);
  const dispatchedUids = new Map<string, string>();
  for (const row of rows) {
    if (row["status"] !== "dispatched") continue;
    expect(dispatchedUids.has(String(row["uid"]))).toBe(false);
    dispatchedUids.set(String(row["uid"]), String(row["entry_id"]));
  }
  const identities = new Map<string, string>();
  for (const row of rows) {
    const entryId = String(row["entry_id"]);
    const fields = entries.get(entryId) ?? {};
    const expected = expectedDecision({
      rows: mixedReference(),
      fields,
      entryId,
      paused: new Set([PAUSED_STRATEGY]),
      signalAgeMsMax: 300_000,
      now: (row["decided_at"] as Date).getTime(),
    });
    const tasksOfEntry = (tasksByEntry.get(entryId) ?? []).map((task) => Number(task["strategy_id"]));
    if (expected.status === "dispatched") {
      // One entry per identity is dispatched, the others point at it.
      const holder = dispatchedUids.get(String(row["uid"]));
      const isHolder = holder === entryId;
      expect([row["status"], row["duplicate_of"]]).toEqual(
        isHolder ? ["dispatched", null] : ["duplicate", holder],
      );
      expect(tasksOfEntry).toEqual(isHolder ? expected.dispatched : []);
      expect(identities.get(expected.identity ?? "") ?? row["uid"]).toBe(row["uid"]);
      identities.set(expected.identity ?? "", String(row["uid"]));
    } else {
      expect([entryId, row["status"], row["reason"]]).toEqual([entryId, expected.status, expected.reason]);
      expect(tasksOfEntry).toEqual([]);
    }
  }
  for (const task of tasks) expect(Object.keys(task)).toEqual(expect.arrayContaining(TASK_FIELDS));

  const outcomes = await router.sql(
    "SELECT strategy_id, status, count(*)::int AS n FROM signal_log_entries GROUP BY 1, 2",
  );
  const metrics = await redis.hgetall(keys.metrics);
  for (const { strategy_id, status, n } of outcomes) {
    expect([
      `strategy:${String(strategy_id)}:${String(status)}`,
      metrics[`strategy:${String(strategy_id)}:${String(status)}`],
    ]).toEqual([`strategy:${String(strategy_id)}:${String(status)}`, String(n)]);
  }
  for (const [status, ofStatus] of grouped(rows, (row) => String(row["status"]))) {
    expect([status, metrics[`signals:${status}`]]).toEqual([status, String(ofStatus.length)]);
  }
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item) ?? "";
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}

describe("the whole path, through real processes", () => {
  test("1,000 mixed signals through two routers: one row each with the right status, one task per dispatched pair", async () => {
    await insertReference(router.databaseUrl, mixedReference());
    await pause(router.redis, router.keys, PAUSED_STRATEGY, { by: "test", at: Date.now() });
    await Promise.all([router.start(), router.start()]);
    const entries = await publishMixture(0, 1_000);
    await router.settled();
    await expectExactly(entries);
    expect(
      await router.sql(
        "SELECT DISTINCT octet_length(raw->>'note') AS kept FROM signal_log WHERE detail ? 'cut_fields'",
      ),
    ).toEqual([{ kept: 16_384 }]);
  }, 120_000);

  test("the same with routers killed at random moments and started again", async () => {
    await insertReference(router.databaseUrl, mixedReference());
    await pause(router.redis, router.keys, PAUSED_STRATEGY, { by: "test", at: Date.now() });
    router.env["BATCH_COUNT_MAX"] = "40";
    // A killed router has had its entry once; no number of kills may turn an innocent one into a dead letter here.
    router.env["DELIVERIES_MAX"] = "1000";
    let [first, second] = await Promise.all([router.start(), router.start()]);
    const entries = new Map<string, Fields>();
    for (let round = 0; round < 5; round += 1) {
      for (const [id, fields] of await publishMixture(round * 200, 200)) entries.set(id, fields);
      const decided = await router.redis.xlen(router.keys.stream("signal_results"));
      const moment = decided + Math.floor(Math.random() * 150);
      await vi.waitFor(
        async () =>
          expect(await router.redis.xlen(router.keys.stream("signal_results"))).toBeGreaterThanOrEqual(
            Math.min(moment, entries.size),
          ),
        {
          timeout: 20_000,
          interval: 1,
        },
      );
      first.signal("SIGKILL");
      await first.ended();
      [first, second] = [second, await router.start()];
    }
    await router.settled();
    await expectExactly(entries);
  }, 180_000);
});
