import type { Redis } from "ioredis";
import { entryTime } from "../../entry.ts";
import { GROUPS, BEST_EFFORT_GROUPS, STREAMS, type Keys, type StreamName } from "../../keys.ts";
import { readHeartbeats, type Heartbeat } from "./consumer-heartbeats.ts";

/** One consumer group as Redis sees it. */
export interface GroupStatus {
  readonly name: string;
  readonly consumers: number;
  /** Delivered and not acknowledged. */
  readonly pending: number;
  /** Not delivered yet; null when there are many and Redis cannot tell. */
  readonly lag: number | null;
  /** Since its oldest pending entry was last worked on, in ms; null when nothing is pending. */
  readonly oldestPendingIdleMs: number | null;
  /** Time in the id of its oldest pending entry, milliseconds since 1970; null when nothing is pending. */
  readonly oldestPendingAt: number | null;
  /** False for groups of other services. */
  readonly own: boolean;
}

export interface StreamStatus {
  readonly name: StreamName;
  readonly length: number;
  readonly groups: readonly GroupStatus[];
}

/** What is in Redis right now. */
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

/** Entries waiting up to this many are counted one by one. */
const COUNTED_MAX = 100;

async function streamStatus(redis: Redis, keys: Keys, name: StreamName): Promise<StreamStatus> {
  const key = keys.stream(name);
  const length = await redis.xlen(key);
  if (length === 0 && (await redis.exists(key)) === 0) return { name, length, groups: [] };
  const groups = await infos(redis, "GROUPS", key);
  return {
    name,
    length,
    groups: await Promise.all(groups.map(async (info) => groupStatus(redis, key, name, info))),
  };
}

async function groupStatus(
  redis: Redis,
  key: string,
  stream: StreamName,
  info: ReadonlyMap<string, unknown>,
): Promise<GroupStatus> {
  const name = String(info.get("name"));
  const waiting = await redis.xrange(
    key,
    `(${String(info.get("last-delivered-id"))}`,
    "+",
    "COUNT",
    COUNTED_MAX,
  );
  const oldest = (await redis.xpending(key, name, "-", "+", 1)) as [
    id: string,
    consumer: string,
    idleMs: number,
    deliveries: number,
  ][];
  return {
    name,
    consumers: Number(info.get("consumers")),
    pending: Number(info.get("pending")),
    lag: waiting.length < COUNTED_MAX ? waiting.length : lagOf(info),
    oldestPendingIdleMs: oldest[0]?.[2] ?? null,
    oldestPendingAt: oldest[0] === undefined ? null : entryTime(oldest[0][0]),
    own: [...GROUPS, ...BEST_EFFORT_GROUPS].some((own) => own.group === name && own.stream === stream),
  };
}

/**
 * Redis' own count, which is null when it cannot tell, and too high for ever after its file was rewritten and it was
 * started again (seen with 7.0.15); hence it is only asked when there is more to count than is cheap.
 */
function lagOf(info: ReadonlyMap<string, unknown>): number | null {
  const lag = info.get("lag");
  return lag === null || lag === undefined ? null : Number(lag);
}

/** The maps XINFO answers with, which arrive as flat lists. */
async function infos(redis: Redis, ...args: string[]): Promise<Map<string, unknown>[]> {
  const reply = (await redis.call("XINFO", ...args)) as unknown[][];
  return reply.map((flat) => {
    const info = new Map<string, unknown>();
    for (let i = 0; i + 1 < flat.length; i += 2) info.set(String(flat[i]), flat[i + 1]);
    return info;
  });
}
