import { correctIdleTimes } from "../../shared/io/streams/idle-times.ts";
import type { WorkBetweenReads } from "./consume.ts";
import type { ConsumerSession } from "./consumer-session.ts";
import { refusedCommit } from "./dependencies-ready.ts";
import { findReclaimable, reclaimEntries, type ReclaimScope } from "./reclaim-entries.ts";

const FREE_LANES_EVERY_MS = 500;
/** How soon it is noticed that another consumer's heartbeat has ended: one script that reads. */
const LOOK_EVERY_MS = 500;
/** What is pending for this consumer itself is looked at less often, since that goes through all it has in flight. */
const LOOK_AT_OWN_EVERY_MS = 1_000;

/** What a loop does between reads: it reclaims when that is due, and frees lanes that other consumers have finished. */
export function workBetweenReads(
  session: ConsumerSession,
  { reclaims, claimIdleMs }: { readonly reclaims: boolean; readonly claimIdleMs: number },
): WorkBetweenReads {
  const { policy, binding, deps } = session;
  const lookEveryMs = Math.min(LOOK_EVERY_MS, claimIdleMs / 2);
  // Concurrent work may end the process: it comes after that of the other loops, whose entries would seem to have done it.
  let lookAt = policy.isOrdered ? -Infinity : performance.now() + claimIdleMs / 2;
  let ownAt = lookAt;
  let correctAt = lookAt;
  let freeAt = -Infinity;
  let refusedAt = -Infinity;
  deps.redis.on("close", () => {
    refusedAt = performance.now();
  });

  /**
   * False while Redis takes no commits of this loop, since each claim would end with nothing, and for so long afterwards that every
   * consumer that lives has given its heartbeat.
   */
  async function mayReclaim(): Promise<boolean> {
    if ((await refusedCommit(binding, deps)) !== undefined) refusedAt = performance.now();
    return performance.now() - refusedAt >= claimIdleMs;
  }

  async function lookForAbandoned(): Promise<void> {
    const now = performance.now();
    const scope: ReclaimScope = { others: reclaims, own: now >= ownAt };
    lookAt = now + lookEveryMs;
    if (scope.own) ownAt = now + Math.min(LOOK_AT_OWN_EVERY_MS, claimIdleMs / 2);
    if (now >= correctAt) {
      correctAt = now + claimIdleMs / 2;
      if (!(await mayReclaim())) return;
      await correctIdleTimes(deps.redis, deps.keys, binding);
    }
    if ((await findReclaimable(session, scope)).length === 0 || !(await mayReclaim())) return;
    await policy.startReclaim(async () => {
      const isFinished = await reclaimEntries(session, scope);
      if (!isFinished) lookAt = -Infinity;
      if (!isFinished && scope.own) ownAt = -Infinity;
      return isFinished;
    });
  }

  return {
    async run() {
      // Entries of dead consumers are older than what comes next, so they go first.
      if (performance.now() >= lookAt) await lookForAbandoned();
      if (performance.now() < freeAt) return;
      freeAt = performance.now() + FREE_LANES_EVERY_MS;
      await policy.freeLanes();
    },
    dueInMs() {
      const at = policy.hasReservedLanes() ? Math.min(lookAt, freeAt) : lookAt;
      return Math.max(0, at - performance.now());
    },
  };
}
