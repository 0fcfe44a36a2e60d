import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  removeSilentHeartbeats,
  removeHeartbeat,
  noteScheduledHeartbeat,
  noteHeartbeat,
  readHeartbeats,
} from "../../../../shared/io/streams/consumer-heartbeats.ts";
import { keysOf, type Keys } from "../../../../shared/keys.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { connectRedis } from "../../../servers/redis-contents.ts";

const HOUR = 3_600_000;
const stream = "signals_stream";
const group = "signal_processor";
let redis: Redis;
let keys: Keys;

beforeAll(() => {
  redis = connectRedis();
});
beforeEach(() => {
  keys = keysOf(freshPrefix());
});
afterAll(() => redis.disconnect());

const heartbeats = async () => readHeartbeats(redis, keys);

describe("heartbeats of loops", () => {
  test("are noted by stream and consumer, and removed when a loop ends", async () => {
    await noteHeartbeat(redis, keys, { stream, group, consumer: "a", at: 1 });
    await noteHeartbeat(redis, keys, { stream, group, consumer: "b", at: 2 });
    await noteHeartbeat(redis, keys, { stream, group, consumer: "a", at: 3 });
    expect(await heartbeats()).toEqual([
      { stream, group, consumer: "a", at: 3 },
      { stream, group, consumer: "b", at: 2 },
    ]);
    await removeHeartbeat(redis, keys, { stream, group, consumer: "a" });
    expect(await heartbeats()).toEqual([{ stream, group, consumer: "b", at: 2 }]);
  });

  test("older than an hour are removed, scheduled or not", async () => {
    await noteHeartbeat(redis, keys, { stream, group, consumer: "a", at: 1_000 });
    await noteHeartbeat(redis, keys, { stream, group, consumer: "b", at: 1_000, everyMs: 5 });
    await noteHeartbeat(redis, keys, { stream, group, consumer: "c", at: 1_001, everyMs: 5 });
    await removeSilentHeartbeats(redis, keys, 1_001 + HOUR);
    expect(await heartbeats()).toEqual([{ stream, group, consumer: "c", at: 1_001, everyMs: 5 }]);
  });

  test("from before Redis' clock was set back are removed like old ones", async () => {
    await noteHeartbeat(redis, keys, { stream, group, consumer: "a", at: 1_001 + HOUR });
    await noteHeartbeat(redis, keys, { stream, group, consumer: "b", at: 1_000 + HOUR });
    await removeSilentHeartbeats(redis, keys, 1_000);
    expect(await heartbeats()).toEqual([{ stream, group, consumer: "b", at: 1_000 + HOUR }]);
  });
});

describe("heartbeats of a scheduler", () => {
  /** What is noted after scheduled calls at these times. */
  async function after(...times: readonly number[]): Promise<unknown> {
    for (const at of times) await noteScheduledHeartbeat(redis, keys, { stream, group, at });
    const [{ consumer, ...beat } = { consumer: "" }, ...others] = await heartbeats();
    expect([consumer, others]).toEqual(["tick", []]);
    return beat;
  }

  test.each<[string, readonly number[], number | undefined]>([
    ["the first one does not show when the next is due", [1_000], undefined],
    ["the second one gives the interval", [1_000, 61_000], 60_000],
    ["a later one gives a longer interval", [1_000, 61_000, 181_000], 120_000],
    ["one on demand in between at most halves the interval", [1_000, 61_000, 61_500], 30_000],
    ["after a long silence the interval is unknown again", [1_000, 61_000, 61_001 + HOUR], undefined],
    ["a clock that goes back gives no interval below zero", [61_000, 1_000], 0],
  ])("%s", async (_, times, everyMs) => {
    const at = times.at(-1);
    expect(await after(...times)).toEqual({
      stream,
      group,
      at,
      ...(everyMs === undefined ? {} : { everyMs }),
    });
  });

  test("of a version without intervals are read", async () => {
    await redis.hset(keys.loops, `${stream} ${group} tick`, "1000");
    expect(await after(4_000)).toEqual({ stream, group, at: 4_000, everyMs: 3_000 });
  });
});
