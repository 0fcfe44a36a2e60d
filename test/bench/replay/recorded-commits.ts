import { Redis } from "ioredis";
import type { Keys } from "../../../shared/keys.ts";
import type { Bench } from "../measure.ts";
import { startRedisCost, type RedisCost } from "../redis-cost.ts";
import { routeBacklog } from "../route-backlog.ts";
import { tasksOf, WORKLOAD } from "../workload.ts";
import { commitCallsIn } from "./commit-recorder.ts";
import { sendPipelined } from "./pipelining-client.ts";
import { startRecordingRelay } from "./recording-relay.ts";
import type { RespValue } from "./resp.ts";

/** Recorded commit calls, and what their keys contained before them. */
export interface Recording {
  readonly count: number;
  readonly calls: readonly Buffer[];
  readonly keys: Keys;
  readonly dumps: ReadonlyMap<string, Buffer>;
}

const READ_PER_ROUND_TRIP = 1_000;

/** Routes a backlog through a relay that records the router's commits. */
export async function recordCommits(bench: Bench, count: number): Promise<Recording> {
  let relay: Awaited<ReturnType<typeof startRecordingRelay>> | undefined;
  let state: Pick<Recording, "keys" | "dumps"> | undefined;
  try {
    await routeBacklog(bench, {
      count,
      async beforehand({ redisPort }) {
        relay = await startRecordingRelay(redisPort);
        return { REDIS_URL: `redis://127.0.0.1:${relay.port}` };
      },
      async inspect({ redis, keys }) {
        state = { keys, dumps: await dumpsOf(redis, keys) };
      },
    });
    const calls = relay?.recorded().flatMap(commitCallsIn);
    if (calls === undefined || state === undefined) throw new Error("nothing was recorded");
    return { count, calls, ...state };
  } finally {
    relay?.close();
  }
}

/** The keys that commits of signals do not change, apart from acknowledging entries. */
async function dumpsOf(redis: Redis, keys: Keys): Promise<Map<string, Buffer>> {
  const dumps = new Map<string, Buffer>();
  const reference = await redis.keys(`${keys.prefix}reference:*`);
  for (const key of [keys.stream("signals_stream"), keys.control, ...reference]) {
    dumps.set(key, await redis.dumpBuffer(key));
  }
  return dumps;
}

/** Sends the calls to a new server on which the entries are pending. @throws Error when their results differ */
export async function replayCommits(
  bench: Bench,
  { count, calls, keys, dumps }: Recording,
  { inFlightMax, aof = "everysec", around = async (_, send) => void (await send()) }: ReplayOptions,
): Promise<Replayed> {
  const server = await bench.startRedis({ aof });
  const redis = new Redis(server.url);
  try {
    for (const [key, dump] of dumps) await redis.restore(key, 0, dump);
    await deliverAll(redis, keys, count);
    let replayed: Replayed | undefined;
    await around({ redis, port: server.port }, async () => {
      const cost = await startRedisCost(redis);
      const startedAt = performance.now();
      const { seconds, replies } = await sendPipelined(server.port, calls, { inFlightMax });
      const endedAt = performance.now();
      replayed = { seconds, cost: await cost() };
      await assertSameDone(redis, { count, keys, replies });
      return { startedAt, endedAt };
    });
    if (replayed === undefined) throw new Error("`around` did not send the calls");
    return replayed;
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

export interface Replayed {
  readonly seconds: number;
  readonly cost: RedisCost;
}

/** First call sent and last reply read, times of `performance.now()`. */
export interface Sent {
  readonly startedAt: number;
  readonly endedAt: number;
}

export interface ReplayOptions {
  /** Unanswered calls at a time. */
  readonly inFlightMax: number;
  /** See {@link Bench.startRedis}. */
  readonly aof?: "everysec" | "off";
  /** Called when all is ready; sends the calls by `send`. */
  readonly around?: (stage: { redis: Redis; port: number }, send: () => Promise<Sent>) => Promise<void>;
}

/** Makes the entries what they were before their commits: delivered and not acknowledged. */
async function deliverAll(redis: Redis, keys: Keys, count: number): Promise<void> {
  const stream = keys.stream("signals_stream");
  const group = "signal_processor";
  await redis.xgroup("SETID", stream, group, "0");
  for (let delivered = 0; delivered < count; delivered += READ_PER_ROUND_TRIP) {
    await redis.xreadgroup("GROUP", group, "replay", "COUNT", READ_PER_ROUND_TRIP, "STREAMS", stream, ">");
  }
  const [pending] = (await redis.xpending(stream, group)) as [number];
  if (pending !== count) throw new Error(`${pending} of ${count} signals delivered`);
}

/** @throws Error when the results differ from those of the recorded calls */
async function assertSameDone(
  redis: Redis,
  { count, keys, replies }: { count: number; keys: Keys; replies: readonly RespValue[] },
): Promise<void> {
  let applied = 0;
  for (const reply of replies) {
    const [status, letters] = Array.isArray(reply) ? reply.map(String) : [String(reply)];
    if (status !== "committed")
      throw new Error(`a recorded commit: expected the answer "committed", got ${status}`);
    applied += letters?.match(/A/g)?.length ?? 0;
  }
  const tasks = await redis.xlen(keys.stream("strategy_input_stream"));
  const records = await redis.xlen(keys.stream("signal_results"));
  const expected = tasksOf(count, WORKLOAD);
  if (applied !== count || records !== count || tasks !== expected) {
    throw new Error(
      `${count} signals: ${applied} applied, ${records} records, ${tasks} of ${expected} tasks in the replay`,
    );
  }
}
