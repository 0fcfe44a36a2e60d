import { describe, expect, test, vi } from "vitest";
import { startRedis } from "../servers/redis.ts";
import { useRouters } from "../servers/router-fixture.ts";
import { KEYS, useOwnRedis } from "./own-redis-fixture.ts";

const router = useRouters();
const own = useOwnRedis(router);
const { publish, untilDecided, untilLogged } = own;

describe("trouble with Redis", () => {
  test("a server killed and started again: every loop comes back by itself and nothing is lost", async () => {
    await router.start();
    await publish();
    await untilDecided(1);
    for (let round = 0; round < 3; round += 1) {
      await own.server.kill();
      await own.server.start();
      await publish();
      await untilDecided(2 + round);
    }
    await untilLogged(4);
  }, 60_000);

  test("connections killed and scripts flushed under load lose and double nothing", async () => {
    await router.start();
    for (let i = 0; i < 500; i += 1) {
      await publish();
      if (i % 50 === 10) await own.redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      if (i % 50 === 35) await own.redis.script("FLUSH");
    }
    await untilDecided(500);
    await untilLogged(500);
  }, 60_000);

  test("a server that stops answering is noticed, and work goes on when it answers again", async () => {
    const running = await router.start();
    await publish();
    await untilDecided(1);
    process.kill(own.server.pid, "SIGSTOP");
    await vi.waitFor(
      () => expect(running.output()).toMatch(/Socket timeout|has not turned|had to start again/),
      {
        timeout: 20_000,
      },
    );
    process.kill(own.server.pid, "SIGCONT");
    await publish();
    await untilDecided(2);
    await untilLogged(2);
  }, 60_000);

  test("an emptied server: groups and snapshot are made again before anything is decided", async () => {
    await router.start();
    await publish();
    await untilLogged(1);
    await own.redis.flushall();
    // The very first thing after it is a signal: no unknown phrase, no unknown ticker.
    await publish();
    await untilDecided(1);
    await untilLogged(2);
    expect(await router.sql("SELECT DISTINCT status FROM signal_log")).toEqual([{ status: "dispatched" }]);
  }, 60_000);

  test("a server put back to an older state trades nothing twice", async () => {
    const first = await router.start();
    await publish();
    await untilDecided(1);
    await untilLogged(1);
    first.signal("SIGTERM");
    await first.ended();
    const backup = await Promise.all(
      (await own.redis.keys("*")).map(async (key) => [key, await own.redis.dumpBuffer(key)] as const),
    );
    await router.start();
    await publish();
    await untilDecided(2);
    await untilLogged(2);
    // In one step, since the router notes its turns all the time.
    const restored = own.redis.multi().flushall();
    for (const [key, dump] of backup) if (dump !== null) restored.restore(key, 0, dump);
    await restored.exec();
    // The second signal is gone from this Redis; what it still has was done before, and stays done.
    await publish();
    await untilDecided(2);
    const tasks = await own.redis.xrange(KEYS.stream("strategy_input_stream"), "-", "+");
    const pairs = tasks.map(
      ([, fields]) => `${fields[fields.indexOf("log_uid") + 1]} ${fields[fields.indexOf("strategy_id") + 1]}`,
    );
    expect(new Set(pairs).size).toBe(8);
    await untilLogged(3);
  }, 60_000);

  test("a replica, and an old server's word, are refused at the start with what to do", async () => {
    const primary = await startRedis();
    try {
      await own.redis.call("REPLICAOF", "127.0.0.1", String(primary.port));
      const { code, output } = await router.run("main.ts");
      expect(code).toBe(2);
      expect(output).toMatch(/is a replica.*REDIS_URL/);
    } finally {
      await primary.stop();
    }
  });

  test("without AOF or with eviction the router runs and warns", async () => {
    await own.redis.config("SET", "appendonly", "no");
    await own.redis.config("SET", "maxmemory-policy", "allkeys-lru");
    const running = await router.start();
    expect(running.output()).toMatch(/append-only/);
    expect(running.output()).toMatch(/allkeys-lru/);
  });

  test("a failover to an empty replica is survived", async () => {
    const replica = await startRedis();
    try {
      await router.start();
      await publish();
      await untilLogged(1);
      // What a proxy in front of the servers would do: the same address, another server behind it.
      await own.redis.call("REPLICAOF", "127.0.0.1", String(replica.port));
      await vi.waitFor(async () => expect(await own.redis.dbsize()).toBe(0), {
        timeout: 10_000,
        interval: 50,
      });
      await own.redis.call("REPLICAOF", "NO", "ONE");
      await publish();
      await untilDecided(1);
      await untilLogged(2);
    } finally {
      await replica.stop();
    }
  }, 60_000);
});
