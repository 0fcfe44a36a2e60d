import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { redisClock } from "../../../../shared/io/redis/clock.ts";
import { connectRedis } from "../../../servers/redis-contents.ts";
import { startRedis, type RedisServer } from "../../../servers/redis.ts";

describe("the clock of Redis", () => {
  let server: RedisServer;
  beforeEach(async () => {
    server = await startRedis();
  });
  afterEach(async () => server.stop());

  test("is right after a sample during which Redis was paused", async () => {
    const redis = connectRedis(server.url);
    await redis.ping();
    const clock = redisClock(redis);
    process.kill(server.pid, "SIGSTOP");
    setTimeout(() => process.kill(server.pid, "SIGCONT"), 1_000);
    await clock.sample();
    // Redis runs on this machine, so both clocks are the same.
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(200);
    redis.disconnect();
  });
});
