import type { Redis } from "ioredis";
import type { GroupName, Keys, StreamName } from "../../keys.ts";

/**
 * The last heartbeat of a poll loop, which shows that signals are being read. Redis itself does not show it: before 7.2 a
 * consumer whose reads return nothing leaves no trace.
 */
export interface Heartbeat {
  readonly stream: StreamName;
  readonly group: GroupName;
  readonly consumer: string;
  /** Redis' clock, milliseconds since 1970. */
  readonly at: number;
  /** Time between two heartbeats, in ms, where a scheduler causes them; absent for a loop, whose heartbeats are frequent. */
  readonly everyMs?: number;
}

/** A loop that has been silent for so long belongs to a process that was killed. */
const REMOVED_AFTER_MS = 3_600_000;

/** All scheduled calls count as one consumer, whichever process answers them. */
export const SCHEDULED = "tick";

export async function noteHeartbeat(
  redis: Redis,
  keys: Keys,
  { at, everyMs, ...loop }: Heartbeat,
): Promise<void> {
  await redis.hset(keys.loops, loopField(loop), everyMs === undefined ? at : `${at}:${everyMs}`);
}

/** Notes a heartbeat caused by a scheduled call, with the time since the last one: the next is due after as long. */
export async function noteScheduledHeartbeat(
  redis: Redis,
  keys: Keys,
  { stream, group, at }: Pick<Heartbeat, "stream" | "group" | "at">,
): Promise<void> {
  const loop = { stream, group, consumer: SCHEDULED };
  const last = await redis.hget(keys.loops, loopField(loop));
  const everyMs = last === null ? undefined : intervalBetween(parseBeat(last), at);
  await noteHeartbeat(redis, keys, { ...loop, at, ...(everyMs === undefined ? {} : { everyMs }) });
}

/** Removes the heartbeat of a loop that stops. */
export async function removeHeartbeat(redis: Redis, keys: Keys, loop: Loop): Promise<void> {
  await redis.hdel(keys.loops, loopField(loop));
}

/** Removes the heartbeats of loops that ended without doing so. `now` is Redis' clock, milliseconds since 1970. */
export async function removeSilentHeartbeats(redis: Redis, keys: Keys, now: number): Promise<void> {
  for (const heartbeat of await readHeartbeats(redis, keys)) {
    // One that is far ahead is from before Redis' clock was set back: a loop that runs has written a new one by now.
    if (Math.abs(now - heartbeat.at) > REMOVED_AFTER_MS) await removeHeartbeat(redis, keys, heartbeat);
  }
}

/** The last heartbeat of every loop that has not been stopped properly. */
export async function readHeartbeats(redis: Redis, keys: Keys): Promise<Heartbeat[]> {
  const fields = Object.entries(await redis.hgetall(keys.loops));
  return fields.map(([field, beat]) => {
    const [stream = "", group = "", consumer = ""] = field.split(" ");
    return { stream: stream as StreamName, group: group as GroupName, consumer, ...parseBeat(beat) };
  });
}

type Loop = Pick<Heartbeat, "stream" | "group" | "consumer">;
type Beat = Pick<Heartbeat, "at" | "everyMs">;

/** None of the three contains a space. */
function loopField({ stream, group, consumer }: Loop): string {
  return `${stream} ${group} ${consumer}`;
}

/** `<at>`, or `<at>:<everyMs>`. */
function parseBeat(text: string): Beat {
  const [at, everyMs] = text.split(":");
  return { at: Number(at), ...(everyMs === undefined ? {} : { everyMs: Number(everyMs) }) };
}

/** Undefined when the last heartbeat is so old that it does not show when the next is due. */
function intervalBetween(last: Beat, at: number): number | undefined {
  const sinceMs = Math.max(0, at - last.at);
  if (sinceMs > REMOVED_AFTER_MS) return undefined;
  // A call on demand, or a second scheduler, shortens the interval by half at most.
  return Math.max(sinceMs, Math.round((last.everyMs ?? 0) / 2));
}
