import type { Redis } from "ioredis";
import { STREAMS, type Keys } from "../../keys.ts";
import { readHeartbeats, type Heartbeat } from "../streams/consumer-heartbeats.ts";
import { readReferenceStatus, type ReferenceStatus } from "./reference-status.ts";
import { readServerStatus, type ServerStatus } from "./server-status.ts";
import { streamStatus, type StreamStatus } from "./stream-status.ts";

/** The state of one router in Redis at one moment. This room reads it for health, metrics and `cli status`. */
export interface Status {
  readonly server: ServerStatus;
  readonly streams: readonly StreamStatus[];
  /** Poll loops that run, or were killed not long ago. */
  readonly loops: readonly Heartbeat[];
  readonly reference: ReferenceStatus;
  /** Fields of the control hash, without the epoch. */
  readonly paused: Readonly<Record<string, string>>;
  /** Fields of the metrics hash. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Redis' clock, milliseconds since 1970. */
  readonly now: number;
}

/** Reads the state of one router's streams, groups, snapshot and counters. */
export async function readStatus(redis: Redis, keys: Keys): Promise<Status> {
  const [server, streams, loops, reference, control, metrics, time] = await Promise.all([
    readServerStatus(redis, keys),
    Promise.all(STREAMS.map(async (name) => streamStatus(redis, keys, name))),
    readHeartbeats(redis, keys),
    readReferenceStatus(redis, keys),
    redis.hgetall(keys.control),
    redis.hgetall(keys.metrics),
    redis.time(),
  ]);
  const { epoch: _, ...paused } = control;
  return {
    server,
    streams,
    loops,
    reference,
    paused,
    metrics: Object.fromEntries(Object.entries(metrics).map(([field, value]) => [field, Number(value)])),
    now: Number(time[0]) * 1000 + Math.floor(Number(time[1]) / 1000),
  };
}
