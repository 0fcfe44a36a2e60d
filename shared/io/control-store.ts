import type { Redis } from "ioredis";
import { PAUSE_ALL } from "../control.ts";
import type { Keys } from "../keys.ts";

/** Who did it and when, kept with the pause. */
export interface PauseNote {
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/**
 * Pauses one strategy, or all of them, and raises the control epoch in the same step: no decision made on the
 * epoch before can be committed any more.
 */
export async function pause(
  redis: Redis,
  keys: Keys,
  strategyId: number | undefined,
  note: PauseNote,
): Promise<void> {
  await changed(redis.multi().hset(keys.control, fieldOf(strategyId), JSON.stringify(note)), keys);
}

/** Takes a pause back. A strategy stays paused while all of them are. */
export async function resume(redis: Redis, keys: Keys, strategyId: number | undefined): Promise<void> {
  await changed(redis.multi().hdel(keys.control, fieldOf(strategyId)), keys);
}

async function changed(transaction: ReturnType<Redis["multi"]>, keys: Keys): Promise<void> {
  for (const [error] of (await transaction.hincrby(keys.control, "epoch", 1).exec()) ?? []) {
    if (error !== null) throw error;
  }
}

function fieldOf(strategyId: number | undefined): string {
  return strategyId === undefined ? PAUSE_ALL : String(strategyId);
}
