import { Redis } from "ioredis";
import type { Keys } from "../../../shared/keys.ts";
import { besideRouting } from "../beside-routing.ts";
import { commitCallsIn } from "../replay/commit-recorder.ts";
import type { Bench, Measure } from "../measure.ts";
import { sendPipelined } from "../replay/pipelining-client.ts";
import { startRecordingRelay } from "../replay/recording-relay.ts";
import { startCosting, type RedisCost } from "../redis-cost.ts";
import type { RespValue } from "../replay/resp.ts";
import { routeBacklog } from "../route-backlog.ts";
import { tasksOf, WORKLOAD } from "../workload.ts";

const IN_FLIGHT_MAX = 32;
const READ_PER_ROUND_TRIP = 1_000;

/** The commit calls of a backlog once more, from a client that has nothing to decide: what Redis alone needs for them. */
export const ceiling: Measure = {
  id: "ceiling",
  title: "The ceiling",
  async run(bench) {
    const count = bench.scaled(100_000);
    bench.say(`${count} signals through one router and a relay that keeps its commits`);
    const recording = await record(bench, count);
    const { routing, other } = await besideRouting(bench, count, async () => {
      bench.say(`${recording.calls.length} commit calls, sent again`);
      return replay(bench, recording);
    });
    const { seconds, cost } = other;
    const rate = count / seconds;
    return [
      {
        name: "the ceiling: the commits alone",
        value: rate,
        unit: "signals/s",
        note:
          `${recording.calls.length} recorded calls, ${IN_FLIGHT_MAX} in flight; reading the signals is not part of it; ` +
          "all of them are pending at once, where a router has a few batches: a larger list to acknowledge from",
      },
      {
        name: "routing ÷ ceiling",
        value: (routing / rate) * 100,
        unit: "%",
        note: "a slower commit script would make this look better",
      },
      { name: "Redis per signal in the commits alone", value: cost.commandsUs / count, unit: "µs" },
      {
        name: "Redis per signal in the commits alone, whole thread",
        value: cost.mainThreadUs / count,
        unit: "µs",
      },
    ];
  },
};

/** Commit calls, and what the keys they work on held before them. */
interface Recording {
  readonly count: number;
  readonly calls: readonly Buffer[];
  readonly keys: Keys;
  readonly dumps: ReadonlyMap<string, Buffer>;
}

async function record(bench: Bench, count: number): Promise<Recording> {
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

/** The keys that no commit of a signal changes, except that it acknowledges entries. */
async function dumpsOf(redis: Redis, keys: Keys): Promise<Map<string, Buffer>> {
  const dumps = new Map<string, Buffer>();
  const reference = await redis.keys(`${keys.prefix}reference:*`);
  for (const key of [keys.stream("signals_stream"), keys.control, ...reference]) {
    dumps.set(key, await redis.dumpBuffer(key));
  }
  return dumps;
}

async function replay(
  bench: Bench,
  { count, calls, keys, dumps }: Recording,
): Promise<{ seconds: number; cost: RedisCost }> {
  const server = await bench.startRedis();
  const redis = new Redis(server.url);
  try {
    for (const [key, dump] of dumps) await redis.restore(key, 0, dump);
    await deliverAll(redis, keys, count);
    const cost = await startCosting(redis);
    const { seconds, replies } = await sendPipelined(server.port, calls, { inFlightMax: IN_FLIGHT_MAX });
    const spent = await cost();
    await assertSameDone(redis, { count, keys, replies });
    return { seconds, cost: spent };
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

/** As they were before their commits: delivered and not acknowledged. */
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

/** @throws Error when the calls did not do again what they did before */
async function assertSameDone(
  redis: Redis,
  { count, keys, replies }: { count: number; keys: Keys; replies: readonly RespValue[] },
): Promise<void> {
  let applied = 0;
  for (const reply of replies) {
    const [status, letters] = Array.isArray(reply) ? reply.map(String) : [String(reply)];
    if (status !== "committed") throw new Error(`a recorded commit was answered ${status}`);
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
