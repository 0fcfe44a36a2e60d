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

const turns = async () => readHeartbeats(redis, keys);

describe("turns of loops", () => {
  test("are noted by stream and consumer, and forgotten when one ends", async () => {
    await noteHeartbeat(redis, keys, { stream, group, consumer: "a", at: 1 });
    await noteHeartbeat(redis, keys, { stream, group, consumer: "b", at: 2 });
    await noteHeartbeat(redis, keys, { stream, group, consumer: "a", at: 3 });
    expect(await turns()).toEqual([
      { stream, group, consumer: "a", at: 3 },
      { stream, group, consumer: "b", at: 2 },
    ]);
    await removeHeartbeat(redis, keys, { stream, group, consumer: "a" });
    expect(await turns()).toEqual([{ stream, group, consumer: "b", at: 2 }]);
  });

  test("that nobody has noted for an hour are forgotten, scheduled or not", async () => {
    await noteHeartbeat(redis, keys, { stream, group, consumer: "a", at: 1_000 });
    await noteHeartbeat(redis, keys, { stream, group, consumer: "b", at: 1_000, everyMs: 5 });
    await noteHeartbeat(redis, keys, { stream, group, consumer: "c", at: 1_001, everyMs: 5 });
    await removeSilentHeartbeats(redis, keys, 1_001 + HOUR);
    expect(await turns()).toEqual([{ stream, group, consumer: "c", at: 1_001, everyMs: 5 }]);
  });
});

describe("turns of a scheduler", () => {
  /** What is noted after turns at these times. */
  async function after(...times: readonly number[]): Promise<unknown> {
    for (const at of times) await noteScheduledHeartbeat(redis, keys, { stream, group, at });
    const [{ consumer, ...turn } = { consumer: "" }, ...others] = await turns();
    expect([consumer, others]).toEqual(["tick", []]);
    return turn;
  }

  test.each<[string, readonly number[], number | undefined]>([
    ["the first one says nothing of the next", [1_000], undefined],
    ["the second one tells the interval", [1_000, 61_000], 60_000],
    ["a later one tells a longer interval", [1_000, 61_000, 181_000], 120_000],
    ["one by hand in between does not make it a fast one", [1_000, 61_000, 61_500], 30_000],
    ["after a long silence nothing is known again", [1_000, 61_000, 61_001 + HOUR], undefined],
    ["a clock that goes back makes no interval below zero", [61_000, 1_000], 0],
  ])("%s", async (_, times, everyMs) => {
    const at = times.at(-1);
    expect(await after(...times)).toEqual({
      stream,
      group,
      at,
      ...(everyMs === undefined ? {} : { everyMs }),
    });
  });

  test("are understood as a version without intervals wrote them", async () => {
    await redis.hset(keys.loops, `${stream} ${group} tick`, "1000");
    expect(await after(4_000)).toEqual({ stream, group, at: 4_000, everyMs: 3_000 });
  });
});
