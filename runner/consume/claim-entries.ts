import type { CountedEntry } from "../../functions/reclaim.ts";
import type { Entry } from "../../shared/entry.ts";
import type { Claimed } from "../../shared/io/streams/stream-group.ts";
import type { ConsumerSession, SessionDeps } from "./consumer-session.ts";
import { sendToDeadLetters } from "./give-up-entries.ts";

/** An entry that this consumer owns since it was claimed, with the deliveries that were counted until then. */
export interface ClaimedEntry {
  readonly entry: Entry;
  readonly deliveries: number;
}

/**
 * Claims entries and keeps them in flight while `act` runs; false if there was nothing to act on. Those that are no longer in the
 * stream become dead letters.
 */
export async function claimed(
  session: ConsumerSession,
  found: readonly CountedEntry[],
  act: (held: readonly ClaimedEntry[]) => Promise<void>,
): Promise<boolean> {
  return held(session, await claim(session, found), act);
}

/** The same for entries that have been claimed. */
export async function held(
  session: ConsumerSession,
  answers: readonly Claimed[],
  act: (held: readonly ClaimedEntry[]) => Promise<void>,
): Promise<boolean> {
  const { inFlight } = session;
  const claims = answers.filter((one) => one.status === "claimed");
  const gone = answers.filter((one) => one.status === "gone");
  if (gone.length > 0) await giveUpGone(session, gone);
  if (claims.length === 0) return false;
  const heldIds = claims.map(({ entry }) => entry.id);
  inFlight.add(heldIds);
  try {
    await act(claims);
  } catch (error) {
    session.watchForLoss(claims.map(({ entry }) => entry));
    throw error;
  } finally {
    inFlight.remove(heldIds);
  }
  return true;
}

/** Makes this consumer the owner of those that are still to be reclaimed. `unstarted`: only tasks that no consumer has started. */
export async function claim(
  { group, inFlight, counts, deps }: ConsumerSession,
  found: readonly CountedEntry[],
  options: { readonly unstarted?: true } = {},
): Promise<readonly Claimed[]> {
  const { claimIdleMs: idleMs, clock } = deps;
  const ids = found.map(({ id }) => id);
  const answers = await group.claim(ids, { idleMs, now: clock.now(), ...options });
  if (answers === "clock_set") {
    await clock.check();
    return [];
  }
  counts.reclaimed += answers.length;
  // The answer to a read that took very long may have arrived meanwhile.
  return answers.filter((one) => one.status === "gone" || !inFlight.ids.has(one.entry.id));
}

/**
 * False when Redis' clock was set a short time ago: forward, and what other consumers are working on seems to have been idle for
 * as long, and their heartbeats to have ended. Within CLAIM_IDLE_MS they have renewed them.
 */
export async function isClockSteady({ clock, claimIdleMs }: SessionDeps): Promise<boolean> {
  await clock.check();
  // A claim compares the time that this process expects with Redis' own.
  if (clock.isDue()) await clock.sample();
  return clock.steadyMs() >= claimIdleMs;
}

async function giveUpGone(
  session: ConsumerSession,
  gone: readonly { readonly id: string; readonly deliveries: number }[],
): Promise<void> {
  const error = "deleted or trimmed from the stream before it was finished; its fields are lost";
  const letters = gone.map(({ id, deliveries }) => ({
    entry: { id, fields: {} },
    why: { reason: "entry_deleted", error, deliveries, level: "ERROR" } as const,
  }));
  await sendToDeadLetters(session, letters);
}
