import type { Redis } from "ioredis";
import { streamsElsewhere } from "../../../shared/config/hash-tag.ts";
import { redactUrl } from "../../../shared/config/redact-url.ts";
import { blockingRemark, latencyRemark } from "../../../shared/config/redis-measures.ts";
import { probeRemarks } from "../../../shared/config/redis-probes.ts";
import { replicasRemark } from "../../../shared/config/redis-replicas.ts";
import {
  channelRemark,
  redisRemarks,
  scriptRemark,
  streamRemarks,
} from "../../../shared/config/redis-requirements.ts";
import { fault, ok, type Remark } from "../../../shared/config/remark.ts";
import { messageOf } from "../../../shared/error-message.ts";
import type { ReplicasAsked } from "../../../shared/io/redis/confirm.ts";
import { isOnCluster, openRedis } from "../../../shared/io/redis/connection.ts";
import { RedisMisconfiguredError } from "../../../shared/io/redis/redis-errors.ts";
import { readReplicaFacts } from "../../../shared/io/redis/replica-facts.ts";
import { readScriptFacts } from "../../../shared/io/redis/script-facts.ts";
import { readRedisFacts, readWriteRefusals } from "../../../shared/io/redis/server-facts.ts";
import { probeServer } from "../../../shared/io/redis/server-probes.ts";
import { lastIdsOf } from "../../../shared/io/streams/last-ids.ts";
import type { Keys } from "../../../shared/keys.ts";
import { refusalText } from "../../../shared/redis-refusal.ts";
import { inTime, lineOf, linesOf, notChecked, type CheckLine } from "./check-line.ts";

/** Checks a Redis, and leaves nothing changed in it; `redis` is undefined when it cannot be used. */
export async function checkRedis(options: CheckRedisOptions): Promise<CheckedRedis> {
  const { url, keys, blockMs } = options;
  const errors: Error[] = [];
  const onError = (error: Error): void => void errors.push(error);
  const connection = { url, key: keys.stream("signals_stream"), onError };
  const redis = openRedis({ ...connection, role: "commands", name: "check" });
  const blocking = openRedis({ ...connection, role: "blocking", name: "check:blocking", blockMs });
  const close = (): void => {
    redis.disconnect();
    blocking.disconnect();
  };
  const rest = "its version, role, persistence, eviction, scripts, blocking reads and latency";
  try {
    await inTime(redis.time());
  } catch (error) {
    close();
    // REDIS_URL itself is wrong: with it no router starts.
    if (error instanceof RedisMisconfiguredError) {
      const lines = [lineOf("Environment", fault(error.message))];
      return { lines: [...lines, notChecked("Redis", `${rest}: REDIS_URL has to be corrected first`)] };
    }
    const message = `Redis at ${redactUrl(url)} cannot be used: ${reasonOf(errors[0] ?? error)}`;
    return { lines: [lineOf("Redis", fault(message)), notChecked("Redis", `${rest}: it does not answer`)] };
  }
  const database = redis.options.db ?? 0;
  const reached = lineOf("Redis", ok(`answers at ${redactUrl(url)}, database ${database}`));
  const server = await linesOf("Redis", "version, role, persistence and eviction", async () =>
    serverRemarks(redis, options),
  );
  // One after the other, so that nothing makes the round trips slower.
  const latency = await linesOf("Redis", "latency", async () => [
    latencyRemark(await medianRoundTrip(redis)),
  ]);
  const waiting = server.some(({ status }) => status === "fault")
    ? [notChecked("Redis", "blocking reads, and what else the router needs: the faults above come first")]
    : [
        ...(await linesOf("Redis", "what the router needs", async () => qualifying(redis, options))),
        ...(await linesOf("Redis", "blocking reads", async () => [
          await blockingRead(blocking, keys, blockMs),
        ])),
      ];
  return { lines: [reached, ...server, ...latency, ...waiting], redis, close };
}

export interface CheckRedisOptions {
  readonly url: string;
  readonly keys: Keys;
  readonly blockMs: number;
  /** REDIS_REPLICAS_MIN and REDIS_REPLICAS_MS_MAX */
  readonly replicas: ReplicasAsked;
  /** REFERENCE_CHANNELS and REFERENCE_REFRESH_MS */
  readonly channels: readonly string[];
  /** REFERENCE_STREAMS */
  readonly streams: readonly string[];
  readonly refreshMs: number;
}

export interface CheckedRedis {
  readonly lines: readonly CheckLine[];
  readonly redis?: Redis;
  readonly close?: () => void;
}

/** Of several addresses that refuse the connection Node gives an error without a message. */
function reasonOf(error: unknown): string {
  return error instanceof AggregateError
    ? [...new Set(error.errors.map(messageOf))].join("; ")
    : messageOf(error);
}

async function serverRemarks(
  redis: Redis,
  {
    keys,
    channels,
    streams,
    refreshMs,
  }: Pick<CheckRedisOptions, "keys" | "channels" | "streams" | "refreshMs">,
): Promise<readonly Remark[]> {
  const remarks = redisRemarks(await readRedisFacts(redis));
  // An old server, or a sentinel, does not understand the script.
  if (remarks.some(({ kind }) => kind === "fault")) return remarks;
  const facts = await readScriptFacts(redis, keys, { channels });
  const scripts = scriptRemark(facts);
  if (scripts.kind === "fault") return [...remarks, scripts];
  const refusals = await readWriteRefusals(redis, keys.stream("signals_stream"));
  const writes = refusals.map((refusal) => fault(refusalText(refusal)));
  const unreadable = [...(await lastIdsOf(redis, streams))].flatMap(([stream, id]): [string, string][] =>
    typeof id === "string" ? [] : [[stream, messageOf(id)]],
  );
  const settings = { keyPrefix: keys.prefix, outcomeStreams: keys.outcomeStreams, referenceStreams: streams };
  const elsewhere = isOnCluster(redis) ? streamsElsewhere(settings) : [];
  if (elsewhere.length > 0) return [...remarks, scripts, ...elsewhere.map((message) => fault(message))];
  const heard = [channelRemark(facts, refreshMs), ...streamRemarks(new Map(unreadable), refreshMs)];
  return [...remarks, scripts, ...heard, ...(writes.length > 0 ? writes : [ok("it takes writes")])];
}

async function qualifying(redis: Redis, { keys, replicas }: CheckRedisOptions): Promise<readonly Remark[]> {
  const remark = replicasRemark(await readReplicaFacts(redis), replicas.replicasMin);
  return [remark, ...probeRemarks(await probeServer(redis, keys, replicas))];
}

async function blockingRead(blocking: Redis, keys: Keys, asked: number): Promise<Remark> {
  // Connecting does not count.
  await blocking.time();
  const startedAt = performance.now();
  // Nothing is ever written to this key.
  await blocking.xread("BLOCK", asked, "STREAMS", `${keys.prefix}check`, "$");
  return blockingRemark({ asked, took: performance.now() - startedAt });
}

const ROUND_TRIPS = 21;

async function medianRoundTrip(redis: Redis): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < ROUND_TRIPS; n += 1) {
    const startedAt = performance.now();
    await redis.time();
    times.push(performance.now() - startedAt);
  }
  return times.toSorted((a, b) => a - b)[(ROUND_TRIPS - 1) / 2] ?? 0;
}
