import type { Redis } from "ioredis";
import type { ShadowHealth } from "../../health/shadow.ts";
import { STREAMS, type Keys } from "../../keys.ts";
import type { RouterEntry } from "../leases/router-registry.ts";
import { readHeartbeats, type Heartbeat } from "../streams/consumer-heartbeats.ts";
import { readForeignConsumers, type ForeignConsumer } from "../streams/foreign-consumers.ts";
import { readShadow } from "../streams/router-mode.ts";
import { readDeadLetterStatus, type DeadLetterStatus } from "./dead-letter-status.ts";
import { readHolders, type HolderStatus, type SeenFree } from "./holder-status.ts";
import { readReferenceStatus, type ReferenceStatus } from "./reference-status.ts";
import { readServerStatus, type ServerStatus } from "./server-status.ts";
import { strategyRowsOn } from "./strategy-rows.ts";
import { readStrategyStatus, type StrategyStatus } from "./strategy-status.ts";
import { streamStatus, type StreamStatus } from "./stream-status.ts";
import type { SeenWaiting } from "./waiting-status.ts";

/** The state of one router in Redis at one moment. This room reads it for health, metrics and `cli status`. */
export interface Status {
  readonly server: ServerStatus;
  readonly streams: readonly StreamStatus[];
  /** Poll loops that run, or were killed not long ago. */
  readonly loops: readonly Heartbeat[];
  /** Which router may read each group that keeps its order. */
  readonly holders: readonly HolderStatus[];
  /** Routers that run, or were killed a moment ago. */
  readonly routers: readonly RouterEntry[];
  readonly reference: ReferenceStatus;
  readonly strategies: StrategyStatus;
  readonly deadLetters: DeadLetterStatus;
  readonly shadow: ShadowHealth;
  readonly foreignConsumers: readonly ForeignConsumer[];
  /** Fields of the control hash, without the epoch. */
  readonly paused: Readonly<Record<string, string>>;
  /** Fields of the metrics hash. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Redis' clock, milliseconds since 1970. */
  readonly now: number;
}

/** Reads the state of one router's streams, groups, snapshot, strategies and counters, once. */
export async function readStatus(redis: Redis, keys: Keys): Promise<Status> {
  return statusReaderOn(redis, keys)();
}

/** The same again and again: it keeps the strategies of the current version, and knows how long entries have waited. */
export function statusReaderOn(redis: Redis, keys: Keys): () => Promise<Status> {
  const seen: SeenWaiting = new Map();
  const seenFree: SeenFree = new Map();
  const rowsOf = strategyRowsOn(redis, keys);
  return async () => readWith(redis, keys, { seen, seenFree, rowsOf });
}

interface ReaderMemory {
  readonly seen: SeenWaiting;
  readonly seenFree: SeenFree;
  readonly rowsOf: ReturnType<typeof strategyRowsOn>;
}

async function readWith(redis: Redis, keys: Keys, { seen, seenFree, rowsOf }: ReaderMemory): Promise<Status> {
  const referenceStatus = readReferenceStatus(redis, keys);
  const rows = referenceStatus.then(async ({ version }) => rowsOf(version));
  const [
    server,
    streams,
    loops,
    holding,
    reference,
    strategies,
    deadLetters,
    isShadow,
    foreignConsumers,
    control,
    metrics,
    time,
  ] = await Promise.all([
    readServerStatus(redis, keys),
    Promise.all(
      [...STREAMS, ...keys.outcomeStreams].map(async (name) => streamStatus(redis, keys, { name, seen })),
    ),
    readHeartbeats(redis, keys),
    readHolders(redis, keys, seenFree),
    referenceStatus,
    readStrategyStatus(redis, keys, rows),
    readDeadLetterStatus(redis, keys),
    readShadow(redis, keys),
    readForeignConsumers(redis, keys),
    redis.hgetall(keys.control),
    redis.hgetall(keys.metrics),
    redis.time(),
  ]);
  const { epoch: _, ...paused } = control;
  return {
    server,
    streams,
    loops,
    ...holding,
    reference,
    strategies,
    deadLetters,
    shadow: { isShadow, suffix: keys.suffix },
    foreignConsumers,
    paused,
    metrics: Object.fromEntries(Object.entries(metrics).map(([field, value]) => [field, Number(value)])),
    now: Number(time[0]) * 1000 + Math.floor(Number(time[1]) / 1000),
  };
}
