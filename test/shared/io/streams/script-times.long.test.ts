import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readTime } from "../../../../shared/io/redis/clock.ts";
import { correctIdleTimes } from "../../../../shared/io/streams/idle-times.ts";
import { inFlightHeartbeatOn } from "../../../../shared/io/streams/in-flight-heartbeats.ts";
import { streamGroupOn } from "../../../../shared/io/streams/stream-group.ts";
import { streamTrimmerOn } from "../../../../shared/io/streams/stream-trimmer.ts";
import { takeOverPending } from "../../../../shared/io/streams/take-over.ts";
import { taskClaimsOn } from "../../../../shared/io/streams/task-claims.ts";
import { keysOf } from "../../../../shared/keys.ts";
import { byPace } from "../../../long/pace.ts";
import { usualBusyMs } from "../../../servers/busy-time.ts";
import { connectRedis } from "../../../servers/redis-contents.ts";
import { startRedis, type RedisServer } from "../../../servers/redis.ts";

/** How long Redis is busy with one command when thousands of tasks are in flight. */

const OF = { stream: "strategy_input_stream", group: "strategy_executor" } as const;
const IN_FLIGHT = byPace({ short: 1_000, full: 5_000 });
const BUSY_MS_MAX = 5;
/** The machine may be busy with something else: the fastest of so many counts. */
const TIMES = byPace({ short: 3, full: 5 });
const keys = keysOf("");
const key = keys.stream(OF.stream);
/** Of a usual task. */
const PADDING = "x".repeat(300);

let server: RedisServer;
let redis: Redis;
let ids: readonly string[];

beforeAll(async () => {
  server = await startRedis({ aof: "everysec" });
  redis = connectRedis(server.url);
  const pipeline = redis.pipeline();
  for (let n = 0; n < IN_FLIGHT; n += 1) pipeline.xadd(key, "*", "n", n, "padding", PADDING);
  ids = ((await pipeline.exec()) ?? []).map(([, id]) => String(id));
  await redis.xgroup("CREATE", key, OF.group, "0");
  await groupOf("mine").read(redis, { countMax: IN_FLIGHT, blockMs: 0 });
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

const groupOf = (consumer: string) => streamGroupOn(redis, keys, { ...OF, consumer });
const claimsOf = (consumer: string) => taskClaimsOn(redis, keys, { ...OF, consumer });
const isHeld = (): boolean => true;

describe("with thousands of tasks in flight no command keeps Redis busy for longer than 5 ms:", () => {
  const CALLS: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["the heartbeat", async () => inFlightHeartbeatOn(redis, keys, { ...OF, consumer: "mine" }).beat(10_000)],
    [
      "taking them over from a former holder",
      async () => {
        const holding = { group: OF.group, token: "t" };
        await redis.hset(keys.groupLease(OF.group), "token", "t");
        for (const consumer of ["other", "mine"])
          await takeOverPending(redis, keys, { stream: OF.stream, holding, consumer, unstarted: false });
      },
    ],
    ["extending them", async () => groupOf("mine").extend(ids)],
    ["counting a delivery", async () => groupOf("mine").countDelivery(ids)],
    [
      "taking deliveries back",
      async () => groupOf("mine").setDeliveryCounts(ids.map((id) => ({ id, deliveries: 0 }))),
    ],
    [
      "looking for what is left unfinished while they are in flight",
      async () => groupOf("other").abandoned({ idleMs: 60_000, countMax: 512 }),
    ],
    [
      "looking for what the consumer itself has left",
      async () => groupOf("mine").abandonedOwn({ idleMs: 0, countMax: 512, isHeld }),
    ],
    ["looking which are still pending", async () => groupOf("mine").stillPending(ids)],
    ["correcting idle times", async () => correctIdleTimes(redis, keys, OF)],
    ["beginning one", async () => claimsOf("mine").begin(ids.at(-1) ?? "", "t")],
    ["trimming their stream", async () => streamTrimmerOn(redis, keys, { retentionMs: 1 }).step(OF.stream)],
    [
      "releasing and claiming all of them",
      async () => {
        await groupOf("mine").release();
        const options = { idleMs: 60_000, now: await readTime(redis), unstarted: true } as const;
        await groupOf("other").abandoned({ idleMs: 60_000, countMax: 512 });
        await inFlightHeartbeatOn(redis, keys, { ...OF, consumer: "mine" }).end({ left: false });
        await groupOf("other").claim(ids, options);
        await groupOf("other").release();
        await groupOf("mine").claim(ids, { ...options, now: await readTime(redis) });
      },
    ],
  ];

  test.each(CALLS)("%s", async (_what, call) => {
    const busyMs: number[] = [];
    for (let n = 0; n < TIMES; n += 1) busyMs.push(await usualBusyMs(redis, call));
    expect(Math.min(...busyMs)).toBeLessThan(BUSY_MS_MAX);
  });
});
