import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";

/** A consumer group whose progress is observed from outside. */
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

const CHECK_MS = 10;
/** Fewer checks while the group works, since each costs Redis time. */
const WORK_CHECK_MS = 50;
const NO_PROGRESS_MS_MAX = 30_000;

/**
 * Resolves with the time (`performance.now()`) of the last check at which nothing had been read.
 * @throws Error when nothing is read for half a minute, or `stop` aborts
 */
export async function untilItReads(watched: WatchedGroup, stop: AbortSignal): Promise<number> {
  const startedAt = performance.now();
  for (let before = startedAt; ;) {
    const now = performance.now();
    const facts = await factsOf(watched);
    if (facts !== undefined && facts.read > 0) return before;
    if (now - startedAt > NO_PROGRESS_MS_MAX)
      throw new Error(`${watched.group}: nothing was read in ${NO_PROGRESS_MS_MAX} ms`);
    before = now;
    await pause(CHECK_MS, undefined, { signal: stop });
  }
}

/**
 * Resolves with the time (`performance.now()`) of the first check at which `count` entries were read and acknowledged.
 * @throws Error when there is no progress for half a minute, there are more entries, or `stop` aborts
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
    if (read > count) throw new Error(`${text}: more entries than expected`);
    if (text !== seen) changedAt = now;
    else if (now - changedAt > NO_PROGRESS_MS_MAX)
      throw new Error(`${text}, and no progress in ${NO_PROGRESS_MS_MAX} ms`);
    seen = text;
    await pause(WORK_CHECK_MS, undefined, { signal: stop });
  }
}

/** Undefined while the group does not exist. */
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
