import { expect } from "vitest";
import { fieldsOf, type Fields } from "../../shared/entry.ts";
import { asRead, mixedReference, mixedSignal, PAUSED_STRATEGY } from "../mixed-signals.ts";
import { expectedDecision } from "../oracle.ts";
import type { RouterFixture } from "../servers/router-fixture.ts";

/** A mixture of signals that meets every rule, and what has to be there when it has been decided and logged. */

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

/** Adds the mixture and gives the entries as they are in the stream, in order. */
export async function publishMixture(
  { redis, keys }: RouterFixture,
  from: number,
  count: number,
): Promise<Map<string, Fields>> {
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
export async function expectExactly(
  router: RouterFixture,
  entries: ReadonlyMap<string, Fields>,
): Promise<void> {
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
