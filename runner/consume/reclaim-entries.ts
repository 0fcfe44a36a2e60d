import { planReclaim, reclaimSteps, type ReclaimStep } from "../../functions/reclaim.ts";
import { compareEntryIds } from "../../shared/entry-range.ts";
import type { PendingEntry } from "../../shared/io/streams/pending-entries.ts";
import { DeposedError, UnavailableError } from "../engine/retry-until-stopped.ts";
import { claim, claimed, isClockSteady, type ClaimedEntry } from "./claim-entries.ts";
import type { ConsumerSession } from "./consumer-session.ts";
import { sendToDeadLetters } from "./give-up-entries.ts";

/** Whose entries are looked at; an entry that this consumer knows is never reclaimed. */
export interface ReclaimScope {
  /** Those of consumers without a heartbeat. */
  readonly others: boolean;
  /** What is pending for this consumer and it has never seen, as when an answer was lost on the wire, or has failed at. */
  readonly own: boolean;
}

/** Entries per call: then it is the turn of new entries again. */
const PAGE_COUNT = 512;
/** Entries per call that are processed alone: each takes some round trips, while new entries wait. */
const ALONE_MAX = 20;

/** What could be reclaimed now, oldest first: at most so many that one call deals with them. */
export async function findReclaimable(
  { group, inFlight, deps }: ConsumerSession,
  { others, own }: ReclaimScope,
): Promise<readonly PendingEntry[]> {
  const page = { idleMs: deps.claimIdleMs, countMax: PAGE_COUNT };
  const isHeld = (id: string): boolean => inFlight.ids.has(id);
  const found = await Promise.all([
    others ? group.abandoned(page) : [],
    own ? group.abandonedOwn({ ...page, isHeld }) : [],
  ]);
  // What was on its way when Redis answered has arrived meanwhile.
  const unknown = found.flat().filter(({ id }) => !isHeld(id));
  return unknown.toSorted((a, b) => compareEntryIds(a.id, b.id)).slice(0, PAGE_COUNT);
}

/** Reclaims what dead or stuck consumers have left pending; false when there may be more. */
export async function reclaimEntries(session: ConsumerSession, scope: ReclaimScope): Promise<boolean> {
  const { policy, counts, deps } = session;
  const [pending, isSteady] = await Promise.all([findReclaimable(session, scope), isClockSteady(deps)]);
  if (!isSteady || pending.length === 0) return true;
  const before = counts.reclaimed;
  const waitingBefore = counts.waiting;
  const isFinished = policy.isOrdered
    ? await reclaimInOrder(session, pending)
    : await reclaimTasks(session, pending);
  const leftUnfinished = counts.reclaimed - before - (counts.waiting - waitingBefore);
  if (leftUnfinished > 0) reportReclaimed(session, leftUnfinished);
  // Without progress the rest waits for something: later is soon enough, and it is the turn of new entries.
  return (isFinished && pending.length < PAGE_COUNT) || leftUnfinished <= 0;
}

/** In batches, as new entries; each delivery is counted only when the turn of the entry has come. */
async function reclaimInOrder(session: ConsumerSession, pending: readonly PendingEntry[]): Promise<boolean> {
  const { deliveriesMax, batchCountMax: countMax, stopping } = session.deps;
  let alone = 0;
  for (const step of reclaimSteps(pending, { deliveriesMax, countMax })) {
    if (stopping.aborted) return true;
    if (step.kind === "process" && step.entries.length === 1 && (alone += 1) > ALONE_MAX) return false;
    await claimed(session, step.entries, async (held) => takeStep(session, step, held));
  }
  return true;
}

/** Counts a delivery of each entry and processes them, or gives them up. */
export async function takeStep(
  session: ConsumerSession,
  { kind }: Pick<ReclaimStep, "kind">,
  held: readonly ClaimedEntry[],
): Promise<void> {
  if (kind === "give_up") return giveUp(session, held);
  const counted = await session.group.countDelivery(held.map(({ entry }) => entry.id));
  const isCounted = ({ entry }: ClaimedEntry): boolean => counted.has(entry.id);
  session.watchForLoss(held.filter((one) => !isCounted(one)).map(({ entry }) => entry));
  await processCounted(session, held.filter(isCounted));
}

/** Processes entries, whose deliveries do not count when what they need is unavailable. */
async function processCounted(session: ConsumerSession, held: readonly ClaimedEntry[]): Promise<void> {
  const { group, policy, deps } = session;
  const before = held.map(({ entry, deliveries }) => ({ id: entry.id, deliveries }));
  const uncount = async (): Promise<void> => group.setDeliveryCounts(before);
  const deliveries = Math.max(0, ...before.map((one) => one.deliveries)) + 1;
  try {
    // What is unavailable says nothing about the entries, however often this process is started again meanwhile.
    await session.process(
      held.map(({ entry }) => entry),
      { deliveries, onUnavailable: uncount },
    );
  } catch (error) {
    // So does a commit that Redis has refused; when the count cannot be restored either, this delivery stays counted.
    const isInterrupted =
      error instanceof UnavailableError || error instanceof DeposedError || deps.abort.aborted;
    if (isInterrupted && policy.countsDeliveries) await uncount().catch(() => undefined);
    throw error;
  }
}

/** Tasks that were never started go together; each of the others alone, in the place of its lane. */
async function reclaimTasks(session: ConsumerSession, pending: readonly PendingEntry[]): Promise<boolean> {
  const { inFlight, policy, deps } = session;
  const { deliveriesMax, stopping } = deps;
  const plan = planReclaim(pending, { held: inFlight.ids, deliveriesMax });
  if (plan.giveUp.length > 0) await claimed(session, plan.giveUp, async (held) => giveUp(session, held));
  if (stopping.aborted || policy.isFull()) return true;
  // What was never started cannot have ended a process, so it need not be processed alone.
  const neverStarted = plan.take.filter(({ deliveries }) => deliveries === 0);
  const answers = await claim(session, neverStarted, { unstarted: true });
  const unstarted = answers.flatMap((one) => (one.status === "claimed" ? [one.entry] : []));
  if (unstarted.length > 0) await session.start(unstarted);
  const startedIds = new Set(unstarted.map(({ id }) => id));
  const others = plan.take.filter(({ id }) => !startedIds.has(id));
  await policy.reserve(others);
  for (const found of others) {
    if (stopping.aborted) return true;
    if (policy.isBehindReserved(found.id)) continue;
    // Where the count stands for attempts, the attempt raises it.
    await policy.follow(claimed(session, [found], async (held) => processCounted(session, held)));
  }
  return true;
}

async function giveUp(session: ConsumerSession, held: readonly ClaimedEntry[]): Promise<void> {
  const letters = held.map(({ entry, deliveries }) => {
    const error = `delivered ${deliveries} times without being finished: it failed each time, or ended its process`;
    const also = session.policy.unfinishedEffects(entry, { error, deliveries });
    const why = {
      reason: "deliveries_exhausted",
      error,
      deliveries,
      ...(also === undefined ? {} : { also }),
    };
    return { entry, why };
  });
  await sendToDeadLetters(session, letters);
}

export function reportReclaimed({ binding, deps }: ConsumerSession, count: number): void {
  const { stream, functionName } = binding;
  deps.events.publish({
    level: "INFO",
    source: "reclaim",
    message: `reclaimed ${count} entries of ${stream} that had been left unfinished`,
    details: { stream, function: functionName, entries: count },
  });
}
