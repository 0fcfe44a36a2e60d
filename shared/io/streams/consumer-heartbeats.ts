import type { Redis } from "ioredis";
import type { GroupName, Keys, StreamName } from "../../keys.ts";

/**
 * When each poll loop turned last, for anyone who wants to know whether signals are being read. Redis itself does not
 * tell: before 7.2 a consumer that waits in vain leaves no trace.
 */
export interface Heartbeat {
  readonly stream: StreamName;
  readonly group: GroupName;
  readonly consumer: string;
  /** Redis' clock, milliseconds since 1970. */
  readonly at: number;
  /** Time between two turns, in ms, where a scheduler makes them; absent for a loop, which turns all the time. */
  readonly everyMs?: number;
}

/** A loop that has been silent for so long belongs to a process that was killed. */
const REMOVED_AFTER_MS = 3_600_000;

/** All that is called from outside counts as one reader, whichever process answers it. */
const SCHEDULED = "tick";

/** Notes a turn. */
export async function noteHeartbeat(
  redis: Redis,
  keys: Keys,
  { at, everyMs, ...loop }: Heartbeat,
): Promise<void> {
  await redis.hset(keys.loops, fieldOf(loop), everyMs === undefined ? at : `${at}:${everyMs}`);
}

/** Notes a turn that somebody asked for, with the time since the one before, so that the next is not missed too early. */
export async function noteScheduledHeartbeat(
  redis: Redis,
  keys: Keys,
  { stream, group, at }: Pick<Heartbeat, "stream" | "group" | "at">,
): Promise<void> {
  const loop = { stream, group, consumer: SCHEDULED };
  const before = await redis.hget(keys.loops, fieldOf(loop));
  const everyMs = before === null ? undefined : intervalBetween(parseTurn(before), at);
  await noteHeartbeat(redis, keys, { ...loop, at, ...(everyMs === undefined ? {} : { everyMs }) });
}

/** Takes a loop that ends out of the list. */
export async function removeHeartbeat(redis: Redis, keys: Keys, loop: Loop): Promise<void> {
  await redis.hdel(keys.loops, fieldOf(loop));
}

/** Takes those out that ended without doing so. `now` is Redis' clock, milliseconds since 1970. */
export async function removeSilentHeartbeats(redis: Redis, keys: Keys, now: number): Promise<void> {
  for (const turn of await readHeartbeats(redis, keys)) {
    if (now - turn.at > REMOVED_AFTER_MS) await removeHeartbeat(redis, keys, turn);
  }
}

/** The last turn of every loop that has not ended in order. */
export async function readHeartbeats(redis: Redis, keys: Keys): Promise<Heartbeat[]> {
  const fields = Object.entries(await redis.hgetall(keys.loops));
  return fields.map(([field, turn]) => {
    const [stream = "", group = "", consumer = ""] = field.split(" ");
    return { stream: stream as StreamName, group: group as GroupName, consumer, ...parseTurn(turn) };
  });
}

type Loop = Pick<Heartbeat, "stream" | "group" | "consumer">;
type Turn = Pick<Heartbeat, "at" | "everyMs">;

/** None of the three has spaces in it. */
function fieldOf({ stream, group, consumer }: Loop): string {
  return `${stream} ${group} ${consumer}`;
}

/** `<at>`, or `<at>:<everyMs>`. */
function parseTurn(text: string): Turn {
  const [at, everyMs] = text.split(":");
  return { at: Number(at), ...(everyMs === undefined ? {} : { everyMs: Number(everyMs) }) };
}

/** Undefined when the turn before is so long ago that nothing can be said of the next one. */
function intervalBetween(before: Turn, at: number): number | undefined {
  const sinceMs = Math.max(0, at - before.at);
  if (sinceMs > REMOVED_AFTER_MS) return undefined;
  // A call by hand in between, or a second scheduler, does not make it a fast one at once.
  return Math.max(sinceMs, Math.round((before.everyMs ?? 0) / 2));
}
