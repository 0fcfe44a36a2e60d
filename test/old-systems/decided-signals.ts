import { expect, vi } from "vitest";
import { entryTime } from "../../shared/entry.ts";
import type { Keys } from "../../shared/keys.ts";
import { entriesIn } from "../servers/redis-contents.ts";
import type { OldSystemStage } from "./old-system-stage.ts";
import { producedFields, type ProducerSignal } from "./producer-signals.ts";

/** What workers of the old systems read of a task. */
export const TASK_FIELDS = [
  "strategy_id",
  "signal_id",
  "symbol",
  "direction",
  "time",
  "received_at",
  "log_uid",
  "source",
];

const withoutZone = (ms: number): string => new Date(ms).toISOString().slice(0, -1);

/** Adds the signals under `keys`, and waits until all of them are decided as expected, logged in `schema`, with their tasks. */
export async function expectDecided(
  { routers }: OldSystemStage,
  { keys, schema, signals }: { keys: Keys; schema: string; signals: readonly ProducerSignal[] },
): Promise<void> {
  const { redis } = routers;
  const now = Date.now();
  const bar = withoutZone(now - (now % 300_000)).slice(0, 19);
  const times = { bar, now: `${withoutZone(now)}456` };
  const ids: string[] = [];
  for (const signal of signals) {
    const fields = producedFields(signal, times);
    ids.push(String(await redis.xadd(keys.stream("signals_stream"), "*", ...Object.entries(fields).flat())));
  }
  const rows = async () =>
    routers.sql(
      `SELECT entry_id, concat_ws(' ', status, reason) AS decision, bar_time, raw FROM ${schema}.signal_log WHERE shard = $1`,
      [keys.shard],
    );
  await vi.waitFor(async () => expect(await rows()).toHaveLength(signals.length), { interval: 100 });
  const logged = new Map((await rows()).map((row) => [row["entry_id"], row]));
  const tasks = await entriesIn(redis, keys.stream("strategy_input_stream"));
  const found = ids.map((id, i) => {
    const dispatched = tasks
      .filter(({ fields }) => fields["entry_id"] === id)
      .map(({ fields }) => fields["strategy_id"]);
    return { ...signals[i], decision: [logged.get(id)?.["decision"], ...dispatched].join(" ") };
  });
  expect(found).toEqual(signals);
  for (const [i, id] of ids.entries()) {
    const signal = signals[i];
    if (signal === undefined) continue;
    const sent = producedFields(signal, times);
    expect(logged.get(id)?.["raw"]).toEqual(sent);
    for (const { fields } of tasks.filter((task) => task.fields["entry_id"] === id)) {
      expect(Object.keys(fields)).toEqual(expect.arrayContaining(TASK_FIELDS));
      // As the producer wrote it where it has no zone, else the same moment; without one, when the entry was added.
      const own = sent["received_at"] === "" ? `${withoutZone(entryTime(id))}000` : times.now;
      const received = sent["received_at"]?.endsWith("Z") === true ? `${own.slice(0, 19)}.000000` : own;
      expect({ form: signal.form, ...fields }).toMatchObject({ received_at: received, time: `${bar}.000Z` });
    }
  }
}
