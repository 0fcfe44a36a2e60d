import type { Redis } from "ioredis";
import { GROUPS, STREAMS, type Keys, type StreamName } from "../keys.ts";

/** One consumer group as Redis sees it. */
export interface GroupStatus {
  readonly name: string;
  readonly consumers: number;
  /** Delivered and not acknowledged. */
  readonly pending: number;
  /** Not delivered yet; null when Redis cannot tell. */
  readonly lag: number | null;
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
  const [streams, version, confirmedAt, control, metrics, time] = await Promise.all([
    Promise.all(STREAMS.map(async (name) => streamStatus(redis, keys, name))),
    redis.get(keys.referenceCurrent),
    redis.get(keys.referenceConfirmedAt),
    redis.hgetall(keys.control),
    redis.hgetall(keys.metrics),
    redis.time(),
  ]);
  const { epoch: _, ...paused } = control;
  return {
    streams,
    reference: { version, confirmedAt: confirmedAt === null ? null : Number(confirmedAt) },
    paused,
    metrics: Object.fromEntries(Object.entries(metrics).map(([field, value]) => [field, Number(value)])),
    now: Number(time[0]) * 1000 + Math.floor(Number(time[1]) / 1000),
  };
}

async function streamStatus(redis: Redis, keys: Keys, name: StreamName): Promise<StreamStatus> {
  const key = keys.stream(name);
  const length = await redis.xlen(key);
  if (length === 0 && (await redis.exists(key)) === 0) return { name, length, groups: [] };
  const reply = (await redis.call("XINFO", "GROUPS", key)) as unknown[][];
  const groups = reply.map((flat) => {
    const info = new Map<unknown, unknown>();
    for (let i = 0; i + 1 < flat.length; i += 2) info.set(flat[i], flat[i + 1]);
    const group = String(info.get("name"));
    const lag = info.get("lag");
    return {
      name: group,
      consumers: Number(info.get("consumers")),
      pending: Number(info.get("pending")),
      lag: lag === null || lag === undefined ? null : Number(lag),
      own: GROUPS.some((own) => own.group === group && own.stream === name),
    };
  });
  return { name, length, groups };
}
