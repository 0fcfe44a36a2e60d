import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { referenceStoreOn } from "../../../../shared/io/reference/reference-store.ts";
import { strategyRowsOn } from "../../../../shared/io/status/strategy-rows.ts";
import { keysOf } from "../../../../shared/keys.ts";
import { byPace } from "../../../long/pace.ts";
import { longestBusyMs } from "../../../servers/busy-time.ts";
import { connectRedis } from "../../../servers/redis-contents.ts";
import { startRedis, type RedisServer } from "../../../servers/redis.ts";
import { NOW, sized } from "./reference-store-fixture.ts";

/** How long Redis is busy with one command that writes or reads a snapshot of a very large book. */

const STRATEGIES = byPace({ short: 8_000, full: 50_000 });
const BUSY_MS_MAX = 5;
/** The machine may be busy with something else: the fastest of so many at most counts. */
const TIMES_MAX = 12;

const keys = keysOf("");
const built = sized(STRATEGIES);
let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis({ aof: "everysec" });
  redis = connectRedis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

test("no command keeps Redis busy for longer than 5 ms while a large snapshot is published, loaded and shown", async () => {
  const store = referenceStoreOn(redis, keys);
  const publish = async () => store.publish({ ticket: await store.takeTicket(), ...built, now: NOW });
  const calls = {
    publish,
    confirm: publish,
    load: async () => store.load(),
    names: async () => strategyRowsOn(redis, keys)(built.version),
  };
  const slow: Record<string, number> = {};
  for (const [name, call] of Object.entries(calls)) {
    let least = Infinity;
    for (let n = 0; n < TIMES_MAX && least >= BUSY_MS_MAX; n += 1)
      least = Math.min(least, await longestBusyMs(redis, call));
    if (least >= BUSY_MS_MAX) slow[name] = least;
  }
  expect(slow, "ms").toEqual({});
  expect((await store.load())?.content).toEqual(built.content);
});
