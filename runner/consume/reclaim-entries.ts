import { planReclaim } from "../../functions/reclaim.ts";
import type { Entry } from "../../shared/entry.ts";
import { NO_EFFECTS, type Result } from "../../shared/function.ts";
import { correctIdleTimes } from "../../shared/io/streams/idle-times.ts";
import type { PendingEntry } from "../../shared/io/streams/stream-group.ts";
import type { Binding } from "../engine/binding.ts";
import type { ConsumerSession, SessionDeps } from "./consumer-session.ts";

/** Pending entries per call: then it is the turn of new entries again. */
const PENDING_PER_CALL = 100;

/**
 * Reclaims what dead or stuck consumers have left pending; false when there may be more. One entry at a time, each claimed
 * only when it is its turn and processed alone: if it ends the process, no other entry's delivery count has risen.
 */
export async function reclaimEntries(session: ConsumerSession): Promise<boolean> {
  const { group, inFlight, policy, deps } = session;
  const { claimIdleMs, deliveriesMax, stopping } = deps;
  // At the same time, so that it costs one round trip.
  const [pending, areRight] = await Promise.all([
    group.pending({ idleMs: claimIdleMs, countMax: PENDING_PER_CALL }),
    areIdleTimesRight(deps),
    correctIdleTimes(deps.redis, deps.keys, session.binding),
  ]);
  if (!areRight) return true;
  const before = session.counts.reclaimed;
  const plan = planReclaim(pending, { held: inFlight.ids, deliveriesMax });
  for (const found of plan.giveUp) {
    if (stopping.aborted) return true;
    await giveUp(session, found);
  }
  if (stopping.aborted) return true;
  const unstarted = await policy.claimUnstarted(plan.take, claimIdleMs);
  if (unstarted.length > 0) await session.start(unstarted);
  session.counts.reclaimed += unstarted.length;
  let claimed = unstarted.length;
  const startedIds = new Set(unstarted.map(({ id }) => id));
  const others = plan.take.filter(({ id }) => !startedIds.has(id));
  await policy.reserve(others);
  for (const found of others) {
    if (stopping.aborted) return true;
    if (policy.isBehindReserved(found.id)) continue;
    // What has side effects would be run a second time beside its owner; elsewhere the fence of the commit is enough.
    if (!policy.isOrdered && !(await areIdleTimesRight(deps))) return true;
    if (await policy.follow(reclaimOne(session, found))) claimed += 1;
  }
  if (claimed > 0) reportReclaimed(session, claimed);
  // Without progress the rest waits for something: later is soon enough.
  return pending.length < PENDING_PER_CALL || session.counts.reclaimed === before;
}

/**
 * False when Redis' clock was set a short time ago: forward, and what other consumers are working on seems to have been idle for
 * as long. Within CLAIM_IDLE_MS they have extended it.
 */
async function areIdleTimesRight({ clock, claimIdleMs }: SessionDeps): Promise<boolean> {
  await clock.check();
  return clock.steadyMs() >= claimIdleMs;
}

/** Processes one entry alone; false if there was nothing to claim. */
async function reclaimOne(session: ConsumerSession, found: PendingEntry): Promise<boolean> {
  const { id, deliveries } = found;
  return withClaimed(session, found, async (entry) =>
    session.process([entry], {
      deliveries: deliveries + 1,
      // What is unavailable says nothing about the entry, however often this process is started again meanwhile.
      onUnavailable: async () => session.group.restoreDeliveryCount(id, deliveries),
    }),
  );
}

async function giveUp(session: ConsumerSession, found: PendingEntry): Promise<void> {
  const { deliveries } = found;
  const error = `delivered ${deliveries} times without being finished: it failed each time, or ended its process`;
  await withClaimed(session, found, async (entry) => {
    const also = session.policy.exhaustedEffects(entry, { error, deliveries });
    const why = { reason: "deliveries_exhausted", error, ...(also === undefined ? {} : { also }) };
    await sendToDeadLetters(session, entry, why, found);
  });
}

/** Claims the entry and keeps it in flight while `act` runs; false if there was nothing to act on. */
async function withClaimed(
  session: ConsumerSession,
  found: PendingEntry,
  act: (entry: Entry) => Promise<void>,
): Promise<boolean> {
  const { group, inFlight, policy, deps } = session;
  // Where the count stands for attempts, the attempt raises it.
  const count = policy.countsDeliveries ? undefined : found.deliveries;
  const claimed = await group.claim(found.id, deps.claimIdleMs, count);
  if (claimed.status === "taken") return false;
  session.counts.reclaimed += 1;
  if (claimed.status === "gone") {
    const error = "deleted or trimmed from the stream before it was finished; its fields are lost";
    const why = { reason: "entry_deleted", error, level: "ERROR" } as const;
    await sendToDeadLetters(session, { id: found.id, fields: {} }, why, found);
    return false;
  }
  inFlight.add([found.id]);
  try {
    await act(claimed.entry);
  } finally {
    inFlight.remove([found.id]);
  }
  return true;
}

type Why = Omit<Extract<Result, { status: "dead" }>, "id" | "status">;

/** Commits the entry as a dead letter, or only acknowledges it where that is enough, as the result of a function. */
async function sendToDeadLetters(
  session: ConsumerSession,
  entry: Entry,
  why: Why,
  { deliveries }: PendingEntry,
): Promise<void> {
  const { binding } = session;
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
  await session.process([entry], { deliveries }, deadLetterBinding);
}

function reportReclaimed({ binding, deps }: ConsumerSession, count: number): void {
  const { stream, functionName } = binding;
  deps.events.publish({
    level: "INFO",
    source: "reclaim",
    message: `reclaimed ${count} entries of ${stream} that had been left unfinished`,
    details: { stream, function: functionName, entries: count },
  });
}
