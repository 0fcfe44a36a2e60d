import type { ConsumerSession } from "./consumer-session.ts";
import { refusedCommit } from "./dependencies-ready.ts";
import { reclaimEntries } from "./reclaim-entries.ts";

const FREE_LANES_EVERY_MS = 500;

/** What a loop does before each read: it reclaims when that is due, and frees lanes that other consumers have finished. */
export function workBetweenReads(
  session: ConsumerSession,
  { reclaims, claimIdleMs }: { readonly reclaims: boolean; readonly claimIdleMs: number },
): () => Promise<void> {
  const { policy, binding, deps } = session;
  // Concurrent work may end the process: it comes after that of the other loops, whose entries would seem to have done it.
  let reclaimedAt = policy.isOrdered ? -Infinity : performance.now();
  let freedAt = -Infinity;
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

  async function reclaim(): Promise<boolean> {
    const isFinished = !(await mayReclaim()) || (await reclaimEntries(session));
    if (isFinished) reclaimedAt = performance.now();
    return isFinished;
  }

  return async () => {
    // Entries of dead consumers are older than what comes next, so they go first.
    if (reclaims && performance.now() - reclaimedAt >= claimIdleMs / 2) await policy.startReclaim(reclaim);
    if (performance.now() - freedAt < FREE_LANES_EVERY_MS) return;
    freedAt = performance.now();
    await policy.freeLanes();
  };
}
