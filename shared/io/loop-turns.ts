import type { Redis } from "ioredis";
import type { Keys, StreamName } from "../keys.ts";

/**
 * When each poll loop turned last, for anyone who wants to know whether signals are being read. Redis itself does not
 * tell: before 7.2 a consumer that waits in vain leaves no trace.
 */
export interface LoopTurn {
  readonly stream: StreamName;
  readonly consumer: string;
  /** Redis' clock, milliseconds since 1970. */
  readonly at: number;
  /** Time between two turns, in ms, where a scheduler makes them; absent for a loop, which turns all the time. */
  readonly everyMs?: number;
}

/** A loop that has been silent for so long belongs to a process that was killed. */
const FORGOTTEN_MS = 3_600_000;

/** All that is called from outside counts as one reader, whichever process answers it. */
const SCHEDULED = "tick";

/** Notes a turn. */
export async function noteTurn(redis: Redis, keys: Keys, turn: LoopTurn): Promise<void> {
  const { stream, consumer, at, everyMs } = turn;
  await redis.hset(keys.loops, `${stream} ${consumer}`, everyMs === undefined ? at : `${at}:${everyMs}`);
}

/** Notes a turn that somebody asked for, with the time since the one before, so that the next is not missed too early. */
export async function noteScheduledTurn(
  redis: Redis,
  keys: Keys,
  { stream, at }: Pick<LoopTurn, "stream" | "at">,
): Promise<void> {
  const before = await redis.hget(keys.loops, `${stream} ${SCHEDULED}`);
  const everyMs = before === null ? undefined : intervalBetween(parseTurn(before), at);
  const turn = { stream, consumer: SCHEDULED, at };
  await noteTurn(redis, keys, everyMs === undefined ? turn : { ...turn, everyMs });
}

/** Takes a loop that ends out of the list. */
export async function forgetTurns(
  redis: Redis,
  keys: Keys,
  { stream, consumer }: Pick<LoopTurn, "stream" | "consumer">,
): Promise<void> {
  await redis.hdel(keys.loops, `${stream} ${consumer}`);
}

/** Takes those out that ended without doing so. `now` is Redis' clock, milliseconds since 1970. */
export async function forgetSilentTurns(redis: Redis, keys: Keys, now: number): Promise<void> {
  for (const turn of await readTurns(redis, keys)) {
    if (now - turn.at > FORGOTTEN_MS) await forgetTurns(redis, keys, turn);
  }
}

/** The last turn of every loop that has not ended in order. */
export async function readTurns(redis: Redis, keys: Keys): Promise<LoopTurn[]> {
  const fields = Object.entries(await redis.hgetall(keys.loops));
  return fields.map(([field, turn]) => {
    const [stream = "", consumer = ""] = field.split(" ");
    return { stream: stream as StreamName, consumer, ...parseTurn(turn) };
  });
}

type Turn = Pick<LoopTurn, "at" | "everyMs">;

/** `<at>`, or `<at>:<everyMs>`. */
function parseTurn(text: string): Turn {
  const [at, everyMs] = text.split(":");
  return { at: Number(at), ...(everyMs === undefined ? {} : { everyMs: Number(everyMs) }) };
}

/** Undefined when the turn before is so long ago that nothing can be said of the next one. */
function intervalBetween(before: Turn, at: number): number | undefined {
  const sinceMs = Math.max(0, at - before.at);
  if (sinceMs > FORGOTTEN_MS) return undefined;
  // A call by hand in between, or a second scheduler, does not make it a fast one at once.
  return Math.max(sinceMs, Math.round((before.everyMs ?? 0) / 2));
}
