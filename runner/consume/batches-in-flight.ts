import type { Entry } from "../../shared/entry.ts";
import { toError } from "../../shared/error-message.ts";
import type { CommitSlot, CommitOrder } from "../engine/commit-order.ts";
import type { InFlightEntries } from "./in-flight-entries.ts";

export interface BatchesOptions {
  /** Whether batches overlap as far as the hand holds; otherwise a few at a time, in their order. */
  readonly concurrent: boolean;
  readonly inFlight: InFlightEntries;
  /** In which those that do not overlap are committed. */
  readonly sequence: CommitOrder;
  /** How many of these are worked on at a time. */
  readonly inFlightMax: number;
}

/** The batches a loop works on at a time. */
export interface Batches {
  /** Begins the work on a batch; where these do not overlap, it has a place, and this resolves when there is room for the next. */
  start(batch: readonly Entry[], work: (slot: CommitSlot | undefined) => Promise<unknown>): Promise<void>;
  /** Does something else: between batches, or, where these overlap, beside them and never twice at a time. */
  aside(job: () => Promise<void>): Promise<void>;
  /** Looks after work that somebody else has begun. */
  beside(work: Promise<unknown>): void;
  /** Whether as much is in hand as this process may hold: then no more is to be read. */
  full(): boolean;
  failed(): boolean;
  /** Resolves when nothing is being worked on any more. */
  ended(): Promise<void>;
  /** Throws what went wrong first, if anything did, and forgets it. */
  throwFailure(): void;
}

/** What one process holds of overlapping work; keeping it fresh takes Redis some milliseconds. */
const IN_FLIGHT_MAX = 5_000;

export function openBatches({ concurrent, inFlight, sequence, inFlightMax }: BatchesOptions): Batches {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const inOrder: Promise<void>[] = [];
  let aside: Promise<void> | undefined;

  /** Runs it to its end, whatever that is. */
  function track(work: Promise<unknown>, onEnd: (failed: boolean) => void): Promise<void> {
    const tracked: Promise<void> = work
      .then(
        () => false,
        (error: unknown) => {
          failures.push(error);
          return true;
        },
      )
      .then((failed) => {
        running.delete(tracked);
        onEnd(failed);
      });
    running.add(tracked);
    return tracked;
  }

  return {
    async start(batch, work) {
      const slot = concurrent ? undefined : sequence.nextSlot();
      const working = track(work(slot), (givenUp) => {
        slot?.end({ givenUp });
        inFlight.remove(batch.map(({ id }) => id));
      });
      if (concurrent) return;
      inOrder.push(working);
      if (inOrder.length >= inFlightMax) await inOrder.shift();
    },
    async aside(job) {
      if (concurrent) {
        aside ??= track(job(), () => {
          aside = undefined;
        });
        return;
      }
      await Promise.all(inOrder);
      await job();
    },
    beside(work) {
      void track(work, () => undefined);
    },
    full: () => concurrent && inFlight.ids.size >= IN_FLIGHT_MAX,
    failed: () => failures.length > 0,
    async ended() {
      await Promise.all(running);
    },
    throwFailure() {
      const [first] = failures.splice(0);
      if (first !== undefined) throw toError(first);
    },
  };
}
