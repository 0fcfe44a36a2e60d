import { setTimeout as pause } from "node:timers/promises";
import { planReclaim } from "../../functions/reclaim.ts";
import type { Entry } from "../../shared/entry.ts";
import { NO_EFFECTS, type Result } from "../../shared/function.ts";
import type { PendingEntry, StreamGroup } from "../../shared/io/streams/stream-group.ts";
import type { Binding } from "../engine/binding.ts";
import { processBatch, type ProcessDeps } from "../engine/process-batch.ts";
import type { InFlightEntries } from "./in-flight-entries.ts";

export interface ReclaimDeps extends ProcessDeps {
  readonly group: StreamGroup;
  readonly inFlight: InFlightEntries;
  readonly claimIdleMs: number;
  readonly deliveriesMax: number;
  /** Begins the work on entries that nobody had begun; resolves when there is room for more. */
  readonly startUnstarted: (entries: readonly Entry[]) => Promise<void>;
  /** Looks after work that goes on beside others. */
  readonly beside: (work: Promise<unknown>) => void;
}

/** A task that is retried, or hangs, does not hold up the others that were left behind; one that kills does so sooner. */
const ALONE_MS = 2_000;
/** Entries per look: then it is the turn of new ones again. */
const PENDING_PER_ROUND = 100;

/**
 * Takes over what dead or stuck consumers left behind; false when there may be more. One entry at a time, each claimed
 * only when it is its turn and worked on alone: if it kills the process, no other entry's delivery count has risen.
 */
export async function reclaimEntries(binding: Binding, deps: ReclaimDeps): Promise<boolean> {
  const { group, inFlight, claimIdleMs, deliveriesMax } = deps;
  const pending = await group.pending({ idleMs: claimIdleMs, countMax: PENDING_PER_ROUND });
  const plan = planReclaim(pending, { held: inFlight.ids, deliveriesMax });
  for (const found of plan.giveUp) {
    if (deps.stopping.aborted) return true;
    await giveUpOne(binding, found, deps);
  }
  const { concurrent } = binding;
  let taken = 0;
  const unbegun = new Set<string>();
  if (concurrent !== undefined) {
    // What nobody has begun cannot have ended any process, so it need not be worked on alone.
    const ids = plan.take.filter(({ deliveries }) => deliveries === 0).map(({ id }) => id);
    const entries = await concurrent.claimUnstarted(ids, claimIdleMs);
    for (const { id } of entries) unbegun.add(id);
    taken += entries.length;
    if (entries.length > 0) await deps.startUnstarted(entries);
  }
  if (concurrent !== undefined) {
    const begun = plan.take.filter(({ id }) => !unbegun.has(id) && !concurrent.reserved.has(id));
    for (const entry of await group.fetch(begun.map(({ id }) => id))) concurrent.reserve(entry);
  }
  for (const found of plan.take) {
    if (deps.stopping.aborted) return true;
    if (unbegun.has(found.id) || concurrent?.isBehindReserved(found.id) === true) continue;
    if (await reclaimOne(binding, found, deps)) taken += 1;
  }
  if (taken > 0) report(binding, taken, deps);
  // Without progress the rest is behind something: later is soon enough.
  return pending.length < PENDING_PER_ROUND || taken === 0;
}

/** Resolves when it has come to an end or, where work overlaps, has not ended the process for a while. */
async function reclaimOne(binding: Binding, found: PendingEntry, deps: ReclaimDeps): Promise<boolean> {
  const { id, deliveries } = found;
  const taking = withClaimed(binding, found, deps, async (entry) => {
    await processBatch(binding, [entry], deps, {
      deliveries: deliveries + 1,
      // What is away says nothing about the entry, however often this process is started again meanwhile.
      onUnavailable: async () => deps.group.restoreDeliveryCount(id, deliveries),
    });
  });
  if (binding.concurrent === undefined) return taking;
  deps.beside(taking);
  return Promise.race([taking, pause(ALONE_MS, true, { ref: false })]);
}

async function giveUpOne(binding: Binding, found: PendingEntry, deps: ReclaimDeps): Promise<void> {
  const error = `delivered ${found.deliveries} times without being finished: it failed each time, or ended its process`;
  const { deliveries } = found;
  await withClaimed(binding, found, deps, async (entry) => {
    const also = binding.concurrent?.deadLetterEffects(entry, { error, deliveries });
    const why = { reason: "deliveries_exhausted", error, ...(also === undefined ? {} : { also }) };
    await sendToDeadLetters(binding, entry, why, found, deps);
  });
}

/** Claims the entry and holds it while `act` runs; false if there was nothing to act on. */
async function withClaimed(
  binding: Binding,
  found: PendingEntry,
  deps: ReclaimDeps,
  act: (entry: Entry) => Promise<void>,
): Promise<boolean> {
  const { group, inFlight, claimIdleMs } = deps;
  // Where deliveries stand for attempts, the attempt counts itself.
  const counted = binding.concurrent === undefined ? undefined : found.deliveries;
  const claimed = await group.claim(found.id, claimIdleMs, counted);
  switch (claimed.status) {
    case "taken":
      return false;
    case "gone": {
      const error = "deleted or trimmed from the stream before it was finished; nobody can say what it was";
      const why = { reason: "entry_deleted", error, level: "ERROR" } as const;
      await sendToDeadLetters(binding, { id: found.id, fields: {} }, why, found, deps);
      return false;
    }
    case "claimed":
      inFlight.add([found.id]);
      try {
        await act(claimed.entry);
      } finally {
        inFlight.remove([found.id]);
      }
      return true;
  }
}

type Why = Omit<Extract<Result, { status: "dead" }>, "id" | "status">;

/** Makes the entry a dead letter, if anybody misses it, by way of a function that says nothing else. */
async function sendToDeadLetters(
  binding: Binding,
  entry: Entry,
  why: Why,
  { deliveries }: PendingEntry,
  deps: ReclaimDeps,
): Promise<void> {
  const result: Result =
    binding.bestEffort === true
      ? { id: entry.id, status: "done", effects: NO_EFFECTS }
      : { id: entry.id, status: "dead", ...why };
  const { sideEffectMsMax: _, ...rest } = binding;
  const deadLetterBinding: Binding = {
    ...rest,
    async *run() {
      yield { status: "answered", results: [result] };
    },
  };
  await processBatch(deadLetterBinding, [entry], deps, { deliveries });
}

function report({ stream, functionName }: Binding, taken: number, { events }: ReclaimDeps): void {
  events.publish({
    level: "INFO",
    source: "reclaim",
    message: `took over ${taken} entries of ${stream} that had been left unfinished`,
    details: { stream, function: functionName, entries: taken },
  });
}
