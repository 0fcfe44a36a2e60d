import type { Redis } from "ioredis";
import { entryTime, fieldsOf } from "../../entry.ts";
import { readPending, type PendingEntry } from "../streams/pending-entries.ts";

/** What waits for a group: not delivered yet, or delivered and not begun. */
export interface WaitingStatus {
  readonly count: number;
  /** False when there are more, and Redis does not know how many. */
  readonly isExact: boolean;
  /** Time in the id of the oldest, milliseconds since 1970; null when none waits. */
  readonly oldestAt: number | null;
  /** For how long this process has seen the same one as the oldest, in ms. */
  readonly seenMs: number;
  /** Of the oldest tasks that wait, how many are for which strategy; empty for other groups. */
  readonly strategies: readonly WaitingStrategy[];
}

export interface WaitingStrategy {
  readonly strategyId: number;
  readonly count: number;
}

/** The first entries that wait for each group, as this process has seen them before. */
export type SeenWaiting = Map<string, { readonly id: string; readonly since: number }>;

export interface WaitingOptions {
  readonly key: string;
  readonly group: string;
  /** The first entries that are not delivered. */
  readonly undelivered: readonly [id: string, flat: string[]][];
  /** How many are not delivered; null when Redis does not know. */
  readonly lag: number | null;
  readonly pending: number;
  readonly oldestPending: PendingEntry | undefined;
  /** Whether a delivery is counted only when work on the entry begins. */
  readonly countsBegun: boolean;
  readonly seen: SeenWaiting;
}

/** Pending tasks looked at to tell those that run from those that wait. */
const PENDING_READ_MAX = 1_000;
/** Waiting tasks whose strategy is read. */
const SAMPLED_MAX = 100;

export async function waitingStatus(redis: Redis, options: WaitingOptions): Promise<WaitingStatus> {
  const { key, group, undelivered, lag, pending, oldestPending, countsBegun, seen } = options;
  const held =
    countsBegun && pending > 0
      ? await readPending(redis, { key, group, countMax: PENDING_READ_MAX })
      : oldestPending === undefined
        ? []
        : [oldestPending];
  // Running, or between two attempts.
  const begun = countsBegun ? held.filter(({ deliveries }) => deliveries > 0).length : 0;
  const unbegun = countsBegun ? held.filter(({ deliveries }) => deliveries === 0) : held;
  const oldest = unbegun[0]?.id ?? undelivered[0]?.[0];
  const count = Math.max(0, pending - begun) + (lag ?? undelivered.length);
  return {
    count,
    isExact: lag !== null,
    oldestAt: oldest === undefined ? null : entryTime(oldest),
    seenMs: seenMsOf(`${key} ${group}`, oldest, seen),
    strategies: countsBegun ? await strategiesOf(redis, key, { unbegun, undelivered }) : [],
  };
}

function seenMsOf(name: string, oldest: string | undefined, seen: SeenWaiting): number {
  const now = performance.now();
  const before = seen.get(name);
  if (oldest === undefined) seen.delete(name);
  else if (before?.id === oldest) return now - before.since;
  else seen.set(name, { id: oldest, since: now });
  return 0;
}

async function strategiesOf(
  redis: Redis,
  key: string,
  { unbegun, undelivered }: { unbegun: readonly PendingEntry[] } & Pick<WaitingOptions, "undelivered">,
): Promise<WaitingStrategy[]> {
  const ids = unbegun.slice(0, SAMPLED_MAX).map(({ id }) => id);
  const held = (await Promise.all(ids.map(async (id) => redis.xrange(key, id, id)))).flat();
  const counts = new Map<number, number>();
  for (const [, flat] of [...held, ...undelivered].slice(0, SAMPLED_MAX)) {
    const id = Number(fieldsOf(flat)["strategy_id"]);
    if (Number.isSafeInteger(id)) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return [...counts]
    .map(([strategyId, count]) => ({ strategyId, count }))
    .toSorted((a, b) => b.count - a.count);
}
