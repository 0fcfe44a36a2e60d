import type { Redis } from "ioredis";
import type { GroupName, Keys, StreamName } from "../keys.ts";

/**
 * When each poll loop turned last, for anyone who wants to know whether signals are being read. Redis itself does not
 * tell: before 7.2 a consumer that waits in vain leaves no trace.
 */
export interface LoopTurn {
  readonly stream: StreamName;
  readonly group: GroupName;
  readonly consumer: string;
  /** Redis' clock, milliseconds since 1970. */
  readonly at: number;
}

/** A loop that has been silent for so long belongs to a process that was killed. */
const FORGOTTEN_MS = 3_600_000;

/** Notes a turn. */
export async function noteTurn(redis: Redis, keys: Keys, { at, ...loop }: LoopTurn): Promise<void> {
  await redis.hset(keys.loops, fieldOf(loop), at);
}

/** Takes a loop that ends out of the list. */
export async function forgetTurns(redis: Redis, keys: Keys, loop: Omit<LoopTurn, "at">): Promise<void> {
  await redis.hdel(keys.loops, fieldOf(loop));
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
  return fields.map(([field, at]) => {
    const [stream = "", group = "", consumer = ""] = field.split(" ");
    return { stream: stream as StreamName, group: group as GroupName, consumer, at: Number(at) };
  });
}

/** None of the three has spaces in it. */
function fieldOf({ stream, group, consumer }: Omit<LoopTurn, "at">): string {
  return `${stream} ${group} ${consumer}`;
}
