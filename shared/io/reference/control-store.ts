import type { Redis } from "ioredis";
import { PAUSE_ALL } from "../../decide/control.ts";
import type { Keys } from "../../keys.ts";
import { defineScript } from "../redis/connection.ts";

/** Pauses and resumes strategies in the `control` hash. */

/** Who paused and when, stored with the pause. */
export interface PauseNote {
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/**
 * Changes one pause and raises the epoch to the time in microseconds, or by one if it is that high already. A plain counter would
 * repeat old numbers after Redis has lost writes, and decisions made on the pauses of that time would be committed.
 * KEYS 1 control. ARGV 1 field of the pause, 2 its note ('' = lift it).
 */
const CHANGE_SCRIPT = `#!lua flags=allow-oom
local control, field, note = KEYS[1], ARGV[1], ARGV[2]
-- First, since it fails when the epoch is not an integer.
local epoch = redis.call('HINCRBY', control, 'epoch', 1)
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if epoch < now then redis.call('HSET', control, 'epoch', string.format('%.0f', now)) end
if note == '' then redis.call('HDEL', control, field) else redis.call('HSET', control, field, note) end
`;

/**
 * Pauses one strategy, or all of them, and raises the control epoch in the same step, so that no decision based on the former
 * epoch can be committed.
 */
export async function pause(
  redis: Redis,
  keys: Keys,
  strategyId: number | undefined,
  note: PauseNote,
): Promise<void> {
  await change(redis, keys, [pauseField(strategyId), JSON.stringify(note)]);
}

/** Lifts a pause. A strategy stays paused while all strategies are. */
export async function resume(redis: Redis, keys: Keys, strategyId: number | undefined): Promise<void> {
  await change(redis, keys, [pauseField(strategyId), ""]);
}

async function change(redis: Redis, keys: Keys, args: readonly [field: string, note: string]): Promise<void> {
  const changeControl = defineScript(redis, "changeControl", CHANGE_SCRIPT);
  await changeControl([keys.control], args);
}

function pauseField(strategyId: number | undefined): string {
  return strategyId === undefined ? PAUSE_ALL : String(strategyId);
}
