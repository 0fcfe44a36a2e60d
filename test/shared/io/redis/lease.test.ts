import type { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openRedis } from "../../../../shared/io/redis/connection.ts";
import { takeLease } from "../../../../shared/io/redis/lease.ts";
import { keysOf } from "../../../../shared/keys.ts";
import { freshPrefix, redisUrl } from "../../../servers/fixtures.ts";
import { connectRedis } from "../../../servers/redis-contents.ts";
import { startRelay } from "../../../servers/relay.ts";

let redis: Redis;
let key: string;
beforeEach(() => {
  redis = connectRedis();
  key = keysOf(freshPrefix()).lease("dead_letter", "1-1");
});
afterEach(() => {
  redis.disconnect();
});

test("a lease has one holder, until it is released", async () => {
  const asked = await Promise.all(Array.from({ length: 5 }, async () => takeLease(redis, key, 60_000)));
  const taken = asked.filter((lease) => lease !== undefined);
  expect(taken).toHaveLength(1);
  await taken[0]?.release();
  expect(await takeLease(redis, key, 60_000)).toBeDefined();
});

test("a lease whose holder has died expires, and the holder cannot release that of the next one", async () => {
  const late = await takeLease(redis, key, 50);
  const next = await vi.waitFor(async () => {
    const lease = await takeLease(redis, key, 60_000);
    if (lease === undefined) throw new Error("still held");
    return lease;
  });
  await late?.release();
  expect(await takeLease(redis, key, 60_000)).toBeUndefined();
  await next.release();
  expect(await redis.exists(key)).toBe(0);
});

test("a lease is released when the answer to taking it was lost", async () => {
  const proxy = await startRelay(Number(new URL(redisUrl()).port));
  const lossy = openRedis({
    key: "test",
    url: `redis://127.0.0.1:${proxy.port}`,
    role: "commands",
    name: "test",
    onError: () => undefined,
  });
  try {
    await lossy.ping();
    proxy.loseNextAnswer();
    await expect(takeLease(lossy, key, 60_000)).rejects.toThrow(/max retries per request|ECONNRESET/);
    await vi.waitFor(async () => expect(await redis.exists(key)).toBe(0), { timeout: 10_000 });
  } finally {
    lossy.disconnect();
    await proxy.stop();
  }
});
