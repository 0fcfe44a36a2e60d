import type { Redis } from "ioredis";
import { entryTime } from "../../entry.ts";
import { GROUPS, BEST_EFFORT_GROUPS, STREAMS, type Keys, type StreamName } from "../../keys.ts";
import { readHeartbeats, type Heartbeat } from "./consumer-heartbeats.ts";
import { readGroupInfos, type GroupInfo } from "./group-info.ts";
import { readPending } from "./stream-group.ts";

/** The state of one router in Redis at one moment. */
export interface Status {
  readonly streams: readonly StreamStatus[];
  /** Poll loops that run, or were killed not long ago. */
  readonly loops: readonly Heartbeat[];
  readonly reference: { readonly version: string | null; readonly confirmedAt: number | null };
  /** Fields of the control hash, without the epoch. */
  readonly paused: Readonly<Record<string, string>>;
  /** Fields of the metrics hash. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Redis' clock, milliseconds since 1970. */
  readonly now: number;
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
  /** False for groups of other services. */
  readonly own: boolean;
}

/** Reads the state of one router's streams, groups, snapshot and counters. */
export async function readStatus(redis: Redis, keys: Keys): Promise<Status> {
  const [streams, loops, version, confirmedAt, control, metrics, time] = await Promise.all([
    Promise.all(STREAMS.map(async (name) => streamStatus(redis, keys, name))),
    readHeartbeats(redis, keys),
    redis.get(keys.referenceCurrent),
    redis.get(keys.referenceConfirmedAt),
    redis.hgetall(keys.control),
    redis.hgetall(keys.metrics),
    redis.time(),
  ]);
  const { epoch: _, ...paused } = control;
  return {
    streams,
    loops,
    reference: { version, confirmedAt: confirmedAt === null ? null : Number(confirmedAt) },
    paused,
    metrics: Object.fromEntries(Object.entries(metrics).map(([field, value]) => [field, Number(value)])),
    now: Number(time[0]) * 1000 + Math.floor(Number(time[1]) / 1000),
  };
}

async function streamStatus(redis: Redis, keys: Keys, name: StreamName): Promise<StreamStatus> {
  const key = keys.stream(name);
  const length = await redis.xlen(key);
  const groups = await readGroupInfos(redis, key);
  return {
    name,
    length,
    groups: await Promise.all(groups.map(async (info) => groupStatus(redis, key, name, info))),
  };
}

/**
 * Up to this many undelivered entries are counted one by one; only beyond that Redis' own count is used. It is null when
 * Redis does not know, and stayed too high for ever after a rewrite of its file and a restart (seen with 7.0.15).
 */
const COUNTED_MAX = 100;

async function groupStatus(
  redis: Redis,
  key: string,
  stream: StreamName,
  { name, consumers, pending, lag, lastDeliveredId }: GroupInfo,
): Promise<GroupStatus> {
  const undelivered = await redis.xrange(key, `(${lastDeliveredId}`, "+", "COUNT", COUNTED_MAX);
  const [oldest] = await readPending(redis, { key, group: name, countMax: 1 });
  return {
    name,
    consumers,
    pending,
    lag: undelivered.length < COUNTED_MAX ? undelivered.length : lag,
    oldestPendingIdleMs: oldest?.idleMs ?? null,
    oldestPendingAt: oldest === undefined ? null : entryTime(oldest.id),
    own: [...GROUPS, ...BEST_EFFORT_GROUPS].some((own) => own.group === name && own.stream === stream),
  };
}
