import pLimit, { type LimitFunction } from "p-limit";
import type { Lanes } from "../../functions/execute-strategies.ts";

export interface LanesOptions {
  /** Runs at a time, of all strategies together. */
  readonly concurrencyMax: number;
  /** Runs at a time of one strategy. */
  readonly concurrencyPerStrategyMax: number;
  /** When it aborts, a task whose turn has not come does not get one. */
  readonly closing: AbortSignal;
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
export function openLanes({ concurrencyMax, concurrencyPerStrategyMax, closing }: LanesOptions): TaskLanes {
  const lastOf = new Map<string, Promise<void>>();
  const slots = new Map<string, Slot>();
  const all = pLimit(concurrencyMax);
  const rooms = new Map<number, LimitFunction>();

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
    async withRoom(strategyId, job) {
      const room = rooms.get(strategyId) ?? pLimit(concurrencyPerStrategyMax);
      rooms.set(strategyId, room);
      try {
        return await room(async () => all(job));
      } finally {
        if (room.activeCount === 0 && room.pendingCount === 0) rooms.delete(strategyId);
      }
    },
  };
}

/** Not Promise.race with one promise for all, which would keep something of each wait for as long as the process lives. */
async function turnOrClosing(turn: Promise<unknown>, closing: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      closing.removeEventListener("abort", done);
      resolve();
    };
    if (closing.aborted) done();
    closing.addEventListener("abort", done, { once: true });
    void turn.finally(done);
  });
}
