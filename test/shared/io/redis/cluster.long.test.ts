import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { openRedis } from "../../../../shared/io/redis/connection.ts";
import { startRedisCluster, type RedisCluster } from "../../../servers/redis-cluster.ts";

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startRedisCluster();
});
afterAll(async () => cluster.stop());

const KEY = "{signals}:signals_stream";

function open(url: string, key = KEY) {
  const errors: Error[] = [];
  const redis = openRedis({
    url,
    key,
    role: "commands",
    name: "test",
    leaseMs: 500,
    onError: (e) => errors.push(e),
  });
  onTestFinished(() => redis.disconnect());
  return { redis, errors };
}

test("any node leads to the one that owns the keys", async () => {
  for (const { port } of cluster.nodes) {
    const { redis } = open(`redis://127.0.0.1:${port}`);
    expect(await redis.incr("{signals}:n")).toBeGreaterThan(0);
  }
});

test("failover", async () => {
  const { redis, errors } = open(cluster.url);
  await redis.set("{signals}:a", "1");
  const before = await cluster.ownerOf(KEY);
  await before.kill();
  const t = performance.now();
  await cluster.untilOwnedByOther(KEY, before);
  console.log("owned by other after", performance.now() - t);
  await vi.waitFor(async () => expect(await redis.get("{signals}:a")).toBe("1"), { timeout: 10_000 });
  console.log("client after", performance.now() - t, [...new Set(errors.map(String))]);
  await before.start();
  await cluster.untilWhole();
});
test("moved", async () => {
  const { redis, errors } = open(cluster.url);
  await redis.set("{signals}:a", "1");
  await cluster.moveSlot(KEY, async () => {
    await redis.set("{signals}:half", "1").catch((e) => console.log(String(e)));
  });
  await vi.waitFor(async () => expect(await redis.get("{signals}:a")).toBe("1"), { timeout: 10_000 });
  console.log([...new Set(errors.map(String))]);
});
test("refused", async () => {
  const { redis, errors } = open(cluster.url, "signals_stream");
  await expect(redis.time()).rejects.toThrow("hash tag");
  console.log([...new Set(errors.map(String))]);
});
