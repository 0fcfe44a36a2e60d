import type { CountedEntry } from "../../functions/reclaim.ts";
import type { Entry } from "../../shared/entry.ts";
import type { Branch } from "../../shared/function.ts";
import type { CommitSlot } from "../engine/commit-order.ts";
import type { RunningWork } from "./running-work.ts";

/**
 * How a consumer goes through its entries: batch after batch in stream order (ordered-batches.ts), or as many at a time as it
 * may hold (concurrent-tasks.ts). The binding says which.
 */
export interface ProcessingPolicy {
  /** The place in the commit order of a batch that is about to be read. */
  nextSlot(): CommitSlot | undefined;
  /** Called with entries that were not settled, by no fault of theirs. */
  onUnsettled(ids: readonly string[]): Promise<void>;
  /** Starts the work on a batch; resolves when there is room for the next one. */
  start(work: () => Promise<unknown>, slot: CommitSlot | undefined): Promise<void>;
  /** Reclaims, beside the batches or between two of them, never twice at a time. */
  startReclaim(reclaim: () => Promise<boolean>): Promise<void>;
  /** Whether as much is in flight as this process may hold: then nothing more is to be read. */
  isFull(): boolean;
  /** Whether entries are in flight and nothing is done about any of them. A run that takes long is something. */
  isWaiting(): boolean;
  /** Frees the reservations of entries that other consumers have finished. */
  freeLanes(): Promise<void>;
  hasReservedLanes(): boolean;
  /** Whether the work on this entry was begun, so that it goes on whichever router holds the group. */
  isBegun(id: string): boolean;
  /** Frees all reservations: the next holding makes its own, and until then nothing would look whether others have finished. */
  endReservations(): void;
  /** The batches in flight, and reclaims that run beside them. */
  readonly running: RunningWork;
  /** Whether batches keep their order: then all of them end before the loop goes on after a failure. */
  readonly isOrdered: boolean;
  /** Whether a delivery counts as an attempt, so that one that came to nothing is taken back. */
  readonly countsDeliveries: boolean;
  /** Reserves the lanes of entries that come before anything newer that is read. */
  reserve(found: readonly CountedEntry[]): Promise<void>;
  /** Whether it would have to wait for another entry that is reclaimed before it. */
  isBehindReserved(id: string): boolean;
  /** Follows the work on one claimed entry; resolves when the next may be claimed. */
  follow(work: Promise<boolean>): Promise<boolean>;
  /** What else happens when an entry is given up on that has ended its process again and again. */
  unfinishedEffects(entry: Entry, why: { error: string; deliveries: number }): Branch | undefined;
}
