import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";

/** A consumer group that is looked at from outside. */
export interface WatchedGroup {
  readonly redis: Redis;
  /** Key of its stream. */
  readonly key: string;
  readonly group: string;
}

interface GroupFacts {
  /** Entries delivered so far. */
  readonly read: number;
  readonly pending: number;
}

const LOOK_MS = 10;
/** Fewer looks while it is at work, since each takes Redis a moment. */
const WORK_LOOK_MS = 50;
const STILL_MS_MAX = 30_000;

/**
 * Resolves with the time, as `performance.now()` tells it, of the last look at which nothing had been read.
 * @throws Error when nothing is for half a minute, or it is told to stop
 */
export async function untilItReads(watched: WatchedGroup, stop: AbortSignal): Promise<number> {
  const beganAt = performance.now();
  for (let before = beganAt; ;) {
    const now = performance.now();
    const facts = await factsOf(watched);
    if (facts !== undefined && facts.read > 0) return before;
    if (now - beganAt > STILL_MS_MAX)
      throw new Error(`${watched.group}: nothing was read in ${STILL_MS_MAX} ms`);
    before = now;
    await pause(LOOK_MS, undefined, { signal: stop });
  }
}

/**
 * Resolves with the time, as `performance.now()` tells it, of the first look at which `count` entries had been read and
 * acknowledged. @throws Error when nothing moves for half a minute, there are more, or it is told to stop
 */
export async function untilItHasDone(
  watched: WatchedGroup,
  count: number,
  stop: AbortSignal,
): Promise<number> {
  let seen = "";
  let changedAt = performance.now();
  for (;;) {
    const facts = await factsOf(watched);
    const now = performance.now();
    if (facts?.read === count && facts.pending === 0) return now;
    const { read = 0, pending = 0 } = facts ?? {};
    const text = `${watched.group}: ${read} of ${count} read, ${pending} of them pending`;
    if (read > count) throw new Error(`${text}: more than there should be`);
    if (text !== seen) changedAt = now;
    else if (now - changedAt > STILL_MS_MAX) throw new Error(`${text}, and no more in ${STILL_MS_MAX} ms`);
    seen = text;
    await pause(WORK_LOOK_MS, undefined, { signal: stop });
  }
}

/** Undefined while there is no such group. */
async function factsOf({ redis, key, group }: WatchedGroup): Promise<GroupFacts | undefined> {
  if ((await redis.exists(key)) === 0) return undefined;
  for (const flat of (await redis.xinfo("GROUPS", key)) as unknown[][]) {
    const value = (name: string): unknown => flat[flat.indexOf(name) + 1];
    if (value("name") === group) {
      return { read: Number(value("entries-read") ?? 0), pending: Number(value("pending")) };
    }
  }
  return undefined;
}
