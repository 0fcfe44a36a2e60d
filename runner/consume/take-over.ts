import { reclaimSteps, type CountedEntry } from "../../functions/reclaim.ts";
import type { Claimed } from "../../shared/io/streams/stream-group.ts";
import { takeOverPending, type TakenOver } from "../../shared/io/streams/take-over.ts";
import { DeposedError } from "../engine/retry-until-stopped.ts";
import type { Holding } from "../holding/holdings.ts";
import { held } from "./claim-entries.ts";
import type { ConsumerSession } from "./consumer-session.ts";
import { reportReclaimed, takeStep } from "./reclaim-entries.ts";

export interface TakeOverOptions {
  /** Whether the next step may begin: the holding lasts, and there is time. */
  readonly mayGoOn: () => boolean;
  /** Called before each step. */
  readonly onStep: () => void;
}

/** Longest wait for room, in ms, before the next look. */
const WAIT_FOR_ROOM_MS_MAX = 500;

/**
 * At the beginning of a holding, before anything new is read: takes what former holders have left pending, in the order of the stream.
 * False when it ended before all of that was processed or started: then nothing new is to be read. @throws DeposedError
 */
export async function takeOver(
  session: ConsumerSession,
  holding: Holding,
  options: TakeOverOptions,
): Promise<boolean> {
  const { redis, keys } = session.deps;
  const { consumer, policy, binding } = session;
  const { stream } = binding;
  const found = await takeOverPending(redis, keys, {
    stream,
    holding,
    consumer,
    unstarted: !policy.isOrdered,
  });
  if (found === "deposed") throw new DeposedError();
  return policy.isOrdered
    ? processPending(session, found, options)
    : startPending(session, holding, found, options);
}

/** Each delivery is counted when the turn of the entry comes, so that one that ends its process condemns no other. */
async function processPending(
  session: ConsumerSession,
  found: readonly TakenOver[],
  { mayGoOn, onStep }: TakeOverOptions,
): Promise<boolean> {
  const { inFlight, deps } = session;
  const { deliveriesMax, batchCountMax: countMax } = deps;
  const pending = found.filter(({ id }) => !inFlight.ids.has(id));
  if (pending.length > 0) reportReclaimed(session, pending.length);
  for (const step of reclaimSteps(pending, { deliveriesMax, countMax })) {
    if (!mayGoOn()) return false;
    onStep();
    session.counts.reclaimed += step.entries.length;
    const claims = await fetched(session, step.entries);
    await held(session, claims, async (entries) => takeStep(session, step, entries));
  }
  return mayGoOn();
}

/** Starts tasks that no consumer has begun; one that was begun keeps its place in its lane until its consumer has ended it. */
async function startPending(
  session: ConsumerSession,
  holding: Holding,
  found: readonly TakenOver[],
  { mayGoOn, onStep }: TakeOverOptions,
): Promise<boolean> {
  const { inFlight, policy, deps } = session;
  // What an earlier holding has started and not begun can no longer be begun: it is started again, in its place. Where its attempt was
  // counted, and the answer lost, it is reclaimed later and keeps its place until then.
  const isInFlight = ({ id }: TakenOver): boolean =>
    inFlight.ids.has(id) && (policy.isBegun(id) || !session.starts.isFromEarlier(id, holding));
  await policy.reserve(found.filter((one) => !isInFlight(one)));
  const unstarted = found.filter((one) => one.isOwn && one.deliveries === 0 && !isInFlight(one));
  if (unstarted.length > 0) reportReclaimed(session, unstarted.length);
  for (let from = 0; from < unstarted.length; from += deps.batchCountMax) {
    while (policy.isFull() && mayGoOn()) {
      onStep();
      await inFlight.untilFewer(WAIT_FOR_ROOM_MS_MAX);
    }
    if (!mayGoOn()) return false;
    onStep();
    const page = unstarted.slice(from, from + deps.batchCountMax);
    session.counts.reclaimed += page.length;
    const claims = await fetched(session, page);
    await held(
      session,
      claims.filter(({ status }) => status === "gone"),
      async () => undefined,
    );
    const entries = claims.flatMap((one) => (one.status === "claimed" ? [one.entry] : []));
    if (entries.length > 0) await session.start(entries);
  }
  return mayGoOn();
}

/** The entries as if they had just been claimed. */
async function fetched(
  { group }: ConsumerSession,
  found: readonly CountedEntry[],
): Promise<readonly Claimed[]> {
  const entries = await group.fetch(found.map(({ id }) => id));
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  return found.map(({ id, deliveries }): Claimed => {
    const entry = byId.get(id);
    return entry === undefined
      ? { status: "gone", id, deliveries }
      : { status: "claimed", entry, deliveries };
  });
}
