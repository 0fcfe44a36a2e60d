import type { Redis } from "ioredis";
import { processSignals, type SignalContext } from "../../functions/process-signals.ts";
import type { Entry, Fields } from "../../shared/entry.ts";
import { sharedFields } from "../../shared/function.ts";
import type { Keys } from "../../shared/keys.ts";
import { buildReference } from "../../shared/reference/build-reference.ts";
import { snapshotOf } from "../../shared/reference/snapshot.ts";
import { pausedStrategies, referenceOf, signalAt, type WorkloadShape } from "./workload.ts";

/** Adds the records of the first `count` signals to `signal_results`, as process-signals publishes them. */
export async function addRecords(
  redis: Redis,
  keys: Keys,
  { count, shape }: { count: number; shape: WorkloadShape },
): Promise<void> {
  const { version, content } = buildReference(referenceOf(shape));
  const context: SignalContext = {
    snapshot: snapshotOf(version, content),
    control: { epoch: "1", allPaused: false, pausedStrategies: pausedStrategies(shape) },
    now: Date.now(),
    signalAgeMsMax: 300_000,
    invocation: "live",
  };
  const stream = keys.stream("signal_results");
  for (let from = 0; from < count; from += ADDED_PER_ROUND_TRIP) {
    const until = Math.min(from + ADDED_PER_ROUND_TRIP, count);
    const pipeline = redis.pipeline();
    for (const fields of recordsOf(from, until, shape, context)) {
      pipeline.xadd(stream, "*", ...Object.entries(fields).flat());
    }
    for (const [error] of (await pipeline.exec()) ?? []) {
      if (error !== null) throw error;
    }
  }
}

const ADDED_PER_ROUND_TRIP = 1_000;
/** Entry ids per millisecond, as at 25,000 signals/s. */
const PER_MS = 25;

function recordsOf(from: number, until: number, shape: WorkloadShape, context: SignalContext): Fields[] {
  const entries: Entry[] = [];
  for (let i = from; i < until; i += 1) {
    const id = `${context.now + Math.floor(i / PER_MS)}-${i % PER_MS}`;
    entries.push({ id, fields: signalAt(i, shape, context.now) });
  }
  const appends = processSignals(entries, context).flatMap((result) =>
    result.status === "done" ? result.effects.append : [],
  );
  return appends.filter(({ stream }) => stream === "signal_results").map(sharedFields);
}
