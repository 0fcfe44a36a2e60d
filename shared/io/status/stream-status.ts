import type { Redis } from "ioredis";
import { entryTime } from "../../entry.ts";
import { BEST_EFFORT_GROUPS, groupsOf, type GroupName, type Keys, type StreamName } from "../../keys.ts";
import { readTime } from "../redis/clock.ts";
import { readGroupInfos, type GroupInfo } from "../streams/group-info.ts";
import { fieldsOfGroup, sinceHeartbeat } from "../streams/in-flight-heartbeats.ts";
import { readPending, type PendingEntry } from "../streams/pending-entries.ts";
import { readableOr } from "../streams/unreadable-streams.ts";
import { waitingStatus, type SeenWaiting, type WaitingStatus } from "./waiting-status.ts";

/** Reads a stream's length, and its groups with what waits for them. */
export async function streamStatus(redis: Redis, keys: Keys, read: StreamRead): Promise<StreamStatus> {
  const { name } = read;
  const otherwise = { name, length: 0, groups: [] };
  return readableOr(statusOf(redis, keys, read), { keys, stream: name, otherwise });
}

interface StreamRead {
  readonly name: StreamName;
  readonly seen: SeenWaiting;
}

async function statusOf(redis: Redis, keys: Keys, { name, seen }: StreamRead): Promise<StreamStatus> {
  const key = keys.stream(name);
  const length = await redis.xlen(key);
  const groups = await readGroupInfos(redis, key);
  return {
    name,
    length,
    groups: await Promise.all(
      groups.map(async (info) => groupStatus(redis, keys, { key, stream: name, info, seen })),
    ),
  };
}

export interface StreamStatus {
  readonly name: StreamName;
  readonly length: number;
  readonly groups: readonly GroupStatus[];
}

/** One consumer group as Redis sees it. */
export interface GroupStatus {
  readonly name: string;
  readonly consumers: number;
  /** Delivered and not acknowledged. */
  readonly pending: number;
  /** Not delivered yet; null when there are many and Redis does not know. */
  readonly lag: number | null;
  /** Since the last delivery or heartbeat of its oldest pending entry, in ms; null when nothing is pending. */
  readonly oldestPendingIdleMs: number | null;
  /** Time in the id of its oldest pending entry, milliseconds since 1970; null when nothing is pending. */
  readonly oldestPendingAt: number | null;
  /** Of the router's own groups; null for others. */
  readonly waiting: WaitingStatus | null;
  /** False for groups of other services. */
  readonly own: boolean;
  /** Which of the router's own groups it is; null for others. */
  readonly group: GroupName | null;
}

/**
 * Up to this many undelivered entries are counted one by one; only beyond that Redis' own count is used. It is null when
 * Redis does not know, and stayed too high for ever after a rewrite of its file and a restart (seen with 7.0.15).
 */
const COUNTED_MAX = 100;

interface GroupOfStatus {
  readonly key: string;
  readonly stream: StreamName;
  readonly info: GroupInfo;
  readonly seen: SeenWaiting;
}

async function groupStatus(
  redis: Redis,
  keys: Keys,
  { key, stream, info, seen }: GroupOfStatus,
): Promise<GroupStatus> {
  const { name, consumers, pending, lag: reported, lastDeliveredId } = info;
  const undelivered = await redis.xrange(key, `(${lastDeliveredId}`, "+", "COUNT", COUNTED_MAX);
  const [oldest] = await readPending(redis, { key, group: name, countMax: 1 });
  const lag = undelivered.length < COUNTED_MAX ? undelivered.length : reported;
  const group =
    [...groupsOf(keys), ...BEST_EFFORT_GROUPS].find(
      (each) => keys.group(each.group) === name && each.stream === stream,
    )?.group ?? null;
  const found = { key, group: name, undelivered, lag, pending, oldestPending: oldest, seen };
  return {
    name,
    consumers,
    pending,
    lag,
    oldestPendingIdleMs:
      oldest === undefined ? null : await idleMsOf(oldest, { redis, keys, stream, group: group ?? name }),
    oldestPendingAt: oldest === undefined ? null : entryTime(oldest.id),
    waiting:
      group === null
        ? null
        : await waitingStatus(redis, { ...found, countsBegun: group === "strategy_executor" }),
    own: group !== null,
    group,
  };
}

/** Since it was delivered or extended, or its consumer gave a heartbeat that is still valid. */
async function idleMsOf(
  { consumer, idleMs }: PendingEntry,
  { redis, keys, ...of }: { redis: Redis; keys: Keys; stream: StreamName; group: string },
): Promise<number> {
  const sinceMs = await sinceHeartbeat(redis, keys, {
    field: fieldsOfGroup(of) + consumer,
    now: await readTime(redis),
  });
  return Math.min(idleMs, sinceMs ?? idleMs);
}
