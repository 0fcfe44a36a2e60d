import type { Entry } from "../../shared/entry.ts";
import type { CommitSlot } from "../engine/commit-order.ts";
import type { ConsumerSession } from "./consumer-session.ts";

/**
 * This room reads consumer groups. A session is one consumer's stay in a group; the poll loop, the drain of a request and an
 * on-demand reclaim each open one. The loop below is the only one that reads batches and starts work on them.
 */

/** Where batches come from: `readUntilStopped` or `readUntilEmpty` of reader.ts. */
export interface BatchSource {
  /**
   * The next batch, empty when none came in time; undefined when there is no more to read. `waiting`: there was none for `msMax`, and
   * what the read gives is for a later call.
   */
  next(options: { readonly msMax: number }): Promise<readonly Entry[] | "waiting" | undefined>;
}

/** What a loop does before each read, and while it waits for one. */
export interface WorkBetweenReads {
  run(): Promise<void>;
  /** Time until there is something to do, in ms. */
  dueInMs(): number;
}

export interface ConsumeOptions {
  readonly between?: WorkBetweenReads;
  /** When it aborts, no more is read. */
  readonly until?: AbortSignal;
  /** Called each time the loop has turned. */
  readonly onTurn?: () => void;
}

/** Longest wait for room, in ms, before the loop turns again. */
const WAIT_FOR_ROOM_MS_MAX = 500;

/**
 * Reads batches and starts the work on them until the source has no more or a batch fails, for poll loops and drains alike.
 * @throws what stopped a batch, once the others in flight have ended
 */
export async function consume(
  session: ConsumerSession,
  source: BatchSource,
  { between, until, onTurn }: ConsumeOptions = {},
): Promise<void> {
  const { policy, inFlight, deps } = session;
  try {
    while (!policy.running.hasFailed) {
      if (until?.aborted === true) break;
      await between?.run();
      // What is read ahead would be committed before the batch that failed meanwhile.
      if (policy.running.hasFailed) break;
      if (policy.isFull()) {
        onTurn?.();
        await inFlight.untilFewer(WAIT_FOR_ROOM_MS_MAX);
        continue;
      }
      // Before the read, so that it knows of a batch that is aborted meanwhile.
      const slot = policy.nextSlot();
      const batch = await nextBatch(source, slot, between?.dueInMs() ?? Infinity);
      if (batch === undefined) break;
      if (batch === "waiting") continue;
      onTurn?.();
      if (batch.length > 0) await session.start(batch, slot);
    }
  } finally {
    if (policy.isOrdered || deps.stopping.aborted) await policy.running.ended();
  }
  policy.running.throwFailure();
}

/** The next batch; a slot that no batch comes for is given back. */
async function nextBatch(
  source: BatchSource,
  slot: CommitSlot | undefined,
  msMax: number,
): ReturnType<BatchSource["next"]> {
  let batch: Awaited<ReturnType<BatchSource["next"]>>;
  try {
    batch = await source.next({ msMax });
    return batch;
  } finally {
    if (batch === undefined || batch === "waiting" || batch.length === 0) slot?.end({ aborted: false });
  }
}
