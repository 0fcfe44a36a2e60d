import pLimit from "p-limit";
import type { Lanes } from "../../functions/execute-strategies.ts";
import { onAbort } from "../../shared/abort.ts";
import { keyedLimit } from "../../shared/keyed-limit.ts";
import type { HostRooms } from "./host-rooms.ts";

export interface LanesOptions {
  /** Runs at a time, of all strategies together. */
  readonly concurrencyMax: number;
  /** Runs at a time of one strategy. */
  readonly concurrencyPerStrategyMax: number;
  /** When it aborts, a task whose turn has not come does not get one. */
  readonly closing: AbortSignal;
  /** Where connections per host are limited. */
  readonly hostRooms?: HostRooms;
}

/** The lanes of one process, shared by all its batches, with places reserved for tasks that other consumers have in flight. */
export interface TaskLanes extends Lanes {
  /** Tasks with a reserved place. */
  readonly reserved: ReadonlySet<string>;
  /** Reserves the next place of the lane for a task: what enters the lane later waits until the task has been there, or is released. */
  reserve(lane: string, id: string): void;
  /** Frees the place of a task, since another consumer has finished it. */
  release(id: string): void;
  /** Whether another task has a reserved place before this one in its lane. */
  isBehindReserved(id: string): boolean;
}

interface Slot {
  readonly lane: string;
  /** Resolves when all before have left. */
  readonly turn: Promise<unknown>;
  readonly leave: () => void;
}

/** Lanes in memory; one that is empty takes no room. */
export function openLanes({
  concurrencyMax,
  concurrencyPerStrategyMax,
  closing,
  hostRooms = async (_strategyId, job) => job(),
}: LanesOptions): TaskLanes {
  const lastOf = new Map<string, Promise<void>>();
  const slots = new Map<string, Slot>();
  const all = pLimit(concurrencyMax);
  const ofStrategy = keyedLimit<number>(concurrencyPerStrategyMax);

  function enter(lane: string): Slot {
    const turn = lastOf.get(lane) ?? Promise.resolve();
    let leave = (): void => undefined;
    const gone = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const left = Promise.all([turn, gone]).then(() => {
      if (lastOf.get(lane) === left) lastOf.delete(lane);
    });
    lastOf.set(lane, left);
    return { lane, turn, leave };
  }

  return {
    get reserved() {
      return new Set(slots.keys());
    },
    reserve(lane, id) {
      if (!slots.has(id)) slots.set(id, enter(lane));
    },
    release(id) {
      slots.get(id)?.leave();
      slots.delete(id);
    },
    isBehindReserved(id) {
      const own = slots.get(id)?.lane;
      // In the order in which they were reserved.
      for (const [other, { lane }] of slots) {
        if (other === id) return false;
        if (lane === own) return true;
      }
      return false;
    },
    async inOrder(lane, id, job) {
      const slot = slots.get(id) ?? enter(lane);
      slots.delete(id);
      try {
        await turnOrClosing(slot.turn, closing);
        return closing.aborted ? undefined : await job();
      } finally {
        slot.leave();
      }
    },
    // The room of all is taken last, so that no run holds it while it waits for another one.
    withRoom: async (strategyId, job) =>
      ofStrategy(strategyId, async () => hostRooms(strategyId, async () => all(job))),
  };
}

/** Not Promise.race with one promise for all, which would keep something of each wait for as long as the process lives. */
async function turnOrClosing(turn: Promise<unknown>, closing: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const stopListening = onAbort(closing, resolve);
    void turn.finally(() => {
      stopListening();
      resolve();
    });
  });
}
