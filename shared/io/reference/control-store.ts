import type { Redis } from "ioredis";
import { PAUSE_ALL } from "../../decide/control.ts";
import type { Keys } from "../../keys.ts";
import { defineScript } from "../redis/connection.ts";

/** Who did it and when, kept with the pause. */
export interface PauseNote {
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/**
 * Changes one pause and raises the epoch to the time in microseconds, or by one if it is there already. A mere counter would come
 * to old numbers again after Redis has lost writes, and decisions made on the pauses of then would pass.
 * KEYS 1 control. ARGV 1 field of the pause, 2 its note ('' = taken back).
 */
const CHANGE_SCRIPT = `#!lua
local control, field, note = KEYS[1], ARGV[1], ARGV[2]
-- First, since it fails where there is no integer.
local epoch = redis.call('HINCRBY', control, 'epoch', 1)
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if epoch < now then redis.call('HSET', control, 'epoch', string.format('%.0f', now)) end
if note == '' then redis.call('HDEL', control, field) else redis.call('HSET', control, field, note) end
`;

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
  await change(redis, keys, [fieldOf(strategyId), JSON.stringify(note)]);
}

/** Takes a pause back. A strategy stays paused while all of them are. */
export async function resume(redis: Redis, keys: Keys, strategyId: number | undefined): Promise<void> {
  await change(redis, keys, [fieldOf(strategyId), ""]);
}

async function change(redis: Redis, keys: Keys, args: readonly [field: string, note: string]): Promise<void> {
  const changeControl = defineScript(redis, "changeControl", CHANGE_SCRIPT);
  await changeControl([keys.control], args);
}

function fieldOf(strategyId: number | undefined): string {
  return strategyId === undefined ? PAUSE_ALL : String(strategyId);
}
