import { expect, vi } from "vitest";
import { entryTime, type Fields } from "../../shared/entry.ts";
import type { Keys } from "../../shared/keys.ts";
import { entriesIn } from "../servers/redis-contents.ts";
import type { OldSystemStage } from "./old-system-stage.ts";
import { producedFields, type ProducerSignal } from "./producer-signals.ts";

/** What workers of the old systems read of a task. */
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

const BAR_MS = 300_000;
const withoutZone = (ms: number): string => new Date(ms).toISOString().slice(0, -1);

/** Signals that were added, in order. */
export interface SentSignals {
  readonly keys: Keys;
  /** Of the log that they are to be found in. */
  readonly schema: string;
  readonly signals: readonly (ProducerSignal & { readonly id: string; readonly sent: Fields })[];
  /** Of the bar, and of the moment, in UTC without zone. */
  readonly bar: string;
  readonly now: string;
}

/** Adds the signals under `keys`, all of one bar: the last, or one of those before. */
export async function sendSignals(
  { routers: { redis } }: OldSystemStage,
  {
    signals,
    barsBack = 0,
    ...place
  }: Pick<SentSignals, "keys" | "schema"> & {
    readonly signals: readonly ProducerSignal[];
    readonly barsBack?: number;
  },
): Promise<SentSignals> {
  const ms = Date.now();
  const times = {
    bar: withoutZone(ms - (ms % BAR_MS) - barsBack * BAR_MS).slice(0, 19),
    now: `${withoutZone(ms)}456`,
  };
  const added: SentSignals["signals"][number][] = [];
  for (const signal of signals) {
    const sent = producedFields(signal, times);
    const key = place.keys.stream("signals_stream");
    added.push({ ...signal, sent, id: String(await redis.xadd(key, "*", ...Object.entries(sent).flat())) });
  }
  return { ...place, ...times, signals: added };
}

/** Waits until all of them are decided and logged as expected, and looks at their tasks. */
export async function expectDecided(
  { routers }: OldSystemStage,
  { keys, schema, signals, bar, now }: SentSignals,
): Promise<void> {
  const rows = async () =>
    routers.sql(
      `SELECT entry_id, concat_ws(' ', status, reason) AS decision, raw FROM ${schema}.signal_log
       WHERE shard = $1 AND entry_id = ANY ($2)`,
      [keys.shard, signals.map(({ id }) => id)],
    );
  await vi.waitFor(async () => expect(await rows()).toHaveLength(signals.length), { interval: 100 });
  const logged = new Map((await rows()).map((row) => [row["entry_id"], row]));
  const tasks = await entriesIn(routers.redis, keys.stream("strategy_input_stream"));
  const tasksOf = (id: string) => tasks.filter(({ fields }) => fields["entry_id"] === id);
  const found = signals.map((signal) => {
    const dispatched = tasksOf(signal.id).map(({ fields }) => fields["strategy_id"]);
    return { ...signal, decision: [logged.get(signal.id)?.["decision"], ...dispatched].join(" ") };
  });
  expect(found).toEqual(signals);
  for (const { id, form, sent } of signals) {
    expect(logged.get(id)?.["raw"]).toEqual(sent);
    // As the producer wrote it where it has no zone, else the same moment; without one, when the entry was added.
    const written = sent["received_at"] === "" ? `${withoutZone(entryTime(id))}000` : now;
    const received = sent["received_at"]?.endsWith("Z") === true ? `${written.slice(0, 19)}.000000` : written;
    for (const { fields } of tasksOf(id)) {
      expect(Object.keys(fields)).toEqual(expect.arrayContaining(TASK_FIELDS));
      expect({ form, ...fields }).toMatchObject({ received_at: received, time: `${bar}.000Z` });
    }
  }
}
