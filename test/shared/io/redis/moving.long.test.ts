import { createServer, connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { openRedis, type RedisConnectionOptions } from "../../../../shared/io/redis/connection.ts";
import { onOtherServer } from "../../../../shared/io/redis/other-server.ts";
import { redisRefusalIn } from "../../../../shared/redis-refusal.ts";
import { byPace } from "../../../long/pace.ts";
import { freePort } from "../../../servers/process.ts";
import { startRedisCluster, type RedisCluster } from "../../../servers/redis-cluster.ts";
import { MASTER_NAME, startRedisSentinel, type RedisSentinel } from "../../../servers/redis-sentinel.ts";
import { startRedis } from "../../../servers/redis.ts";
import { startRelay } from "../../../servers/relay.ts";

/** A connection follows the server that owns the router's keys. */

const KEY = "{signals}:signals_stream";
const PATIENCE = { timeout: 15_000, interval: 20 };

function open(url: string, options: Partial<RedisConnectionOptions> = {}) {
  const errors: Error[] = [];
  const redis = openRedis({
    url,
    key: KEY,
    role: "commands",
    name: "test",
    leaseMs: 600,
    onError: (error) => errors.push(error),
    ...options,
  });
  onTestFinished(() => redis.disconnect());
  let moves = 0;
  onOtherServer(redis, () => (moves += 1));
  return { redis, errors, moves: () => moves };
}

/** Raises a counter until it is told to stop; the number of those that were confirmed. */
function raising(redis: ReturnType<typeof open>["redis"], key: string) {
  const over = new AbortController();
  let confirmed = 0;
  const ended = (async () => {
    while (!over.signal.aborted) {
      await redis.incr(key).then(
        () => (confirmed += 1),
        () => new Promise((resolve) => setImmediate(resolve)),
      );
    }
    return confirmed;
  })();
  return async () => {
    over.abort();
    return ended;
  };
}

describe("a Cluster", () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(async () => cluster.stop());

  test("any node leads to the one that has the keys", async () => {
    const urls = cluster.nodes.map(({ port }) => `redis://127.0.0.1:${port}`);
    const answers = await Promise.all(urls.map(async (url) => open(url).redis.incr("{signals}:any")));
    expect(answers.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("a user who may not ask for a key is told so, and is not led to the first node", async () => {
    const nodes = cluster.nodes.map(async ({ redis }) =>
      redis.call("ACL", "SETUSER", "ann", "on", ">hunter2", "~*", "+@all", "-exists"),
    );
    await Promise.all(nodes);
    const { redis } = open(cluster.url.replace("//", "//ann:hunter2@"));
    const refused: unknown = await redis.time().catch((error: unknown) => error);
    expect(redisRefusalIn(refused)).toMatchObject({
      code: "NOPERM",
      said: expect.stringContaining("exists"),
    });
  });

  test("after the primary was killed the connection is to its replica, which is another server", async () => {
    const { redis, moves, errors } = open(cluster.url);
    await redis.set("{signals}:a", "1");
    await redis.wait(1, 5_000);
    const before = await cluster.ownerOf(KEY);
    await before.kill();
    await vi.waitFor(async () => expect(await redis.get("{signals}:a")).toBe("1"), PATIENCE);
    expect(moves()).toBe(1);
    expect(errors.some(({ message }) => /ECONNREFUSED|CLUSTERDOWN/.test(message))).toBe(true);
    await before.start();
    await cluster.untilWhole();
  });

  test("a slot is moved while it is written to: the connection goes on at the other node", async () => {
    const { redis, moves } = open(cluster.url);
    const stop = raising(redis, "{signals}:moved");
    await vi.waitFor(async () => expect(Number(await redis.get("{signals}:moved"))).toBeGreaterThan(0));
    const owner = await cluster.moveSlot(KEY);
    await vi.waitFor(() => expect(moves()).toBe(1), PATIENCE);
    await vi.waitFor(async () => expect(await redis.get("{signals}:moved")).not.toBeNull(), PATIENCE);
    const confirmed = await stop();
    expect(Number(await owner.redis.get("{signals}:moved"))).toBe(confirmed);
  });
});

describe("Sentinels", () => {
  let sentinel: RedisSentinel;
  beforeAll(async () => {
    sentinel = await startRedisSentinel(1);
  });
  afterAll(async () => sentinel.stop());

  test("name another primary after a fail-over, and the connection to the former one is left", async () => {
    const { redis, moves } = open(sentinel.url);
    await redis.set("a", "1");
    await redis.wait(1, 5_000);
    await sentinel.failover();
    await vi.waitFor(() => expect(moves()).toBe(1), PATIENCE);
    await vi.waitFor(async () => expect(await redis.incr("a")).toBe(2), PATIENCE);
  });

  test("one that does not answer is no reason not to follow the others", async () => {
    const [, other = ""] = /:\/\/([^,]+)/.exec(sentinel.url) ?? [];
    const { redis } = open(`redis-sentinel://${await startSilent()},${other}/${MASTER_NAME}`);
    await expect(redis.time()).resolves.toHaveLength(2);
  });

  test("a name that they do not know is refused with those that they know, and a Sentinel that is given as a server", async () => {
    const { redis } = open(sentinel.url.replace(MASTER_NAME, "other"));
    await expect(redis.time()).rejects.toThrow(
      new RegExp(`names the primary other, which its Sentinels do not know .they know ${MASTER_NAME}`),
    );
    const asServer = sentinel.url.replace("redis-sentinel:", "redis:").replace(`/${MASTER_NAME}`, "");
    await expect(open(asServer).redis.time()).rejects.toThrow(/is a Sentinel: expected redis-sentinel:/);
    const asSentinel = `redis-sentinel://127.0.0.1:${sentinel.nodes[0]?.port}/${MASTER_NAME}`;
    await expect(open(asSentinel).redis.time()).rejects.toThrow(/as a Sentinel, which it is not/);
  });
});

/** An address that takes connections and never answers, as that of a machine that is off. */
async function startSilent(): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on("error", () => undefined)));
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const one of sockets) one.destroy();
    server.close();
  });
  return `127.0.0.1:${port}`;
}

/** An address that leads to one server and then to another; what is connected stays so. */
async function startAddress(port: number) {
  let target = port;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    for (const one of [client, upstream]) {
      sockets.add(one);
      one.on("error", () => undefined);
    }
    client.pipe(upstream).pipe(client);
  });
  const own = await freePort();
  await new Promise<void>((resolve) => server.listen(own, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const one of sockets) one.destroy();
    server.close();
  });
  return { url: `redis://127.0.0.1:${own}`, leadTo: (next: number) => (target = next) };
}

test("a fail-over behind one address: the connection to the former primary is left though it still answers", async () => {
  const [first, second] = await Promise.all([startRedis({ aof: "off" }), startRedis({ aof: "off" })]);
  onTestFinished(async () => void (await Promise.all([first.stop(), second.stop()])));
  const address = await startAddress(first.port);
  const { redis, moves } = open(address.url);
  await redis.set("a", "first");
  address.leadTo(second.port);
  await vi.waitFor(async () => expect(await redis.get("a")).toBeNull(), PATIENCE);
  expect(moves()).toBe(1);
});

/** How long no address answers. */
const UNREACHABLE_MS = byPace({ short: 100, full: 60_000 });

test("all addresses are unreachable and come back, and answers are lost: nothing is sent twice", async () => {
  const server = await startRedis();
  onTestFinished(async () => server.stop());
  const relay = await startRelay(server.port);
  onTestFinished(async () => relay.stop());
  const { redis, errors } = open(`redis://127.0.0.1:${relay.port},127.0.0.1:${await freePort()}`);
  await redis.ping();
  const confirmed: string[] = [];
  for (let n = 0; n < 20; n += 1) {
    if (n % 4 === 3) relay.loseNextAnswer();
    if (n === 10) await server.kill();
    await redis.rpush("sent", n).then(
      () => confirmed.push(String(n)),
      () => undefined,
    );
    if (n === 12) {
      await pause(UNREACHABLE_MS);
      await server.start();
    }
  }
  await vi.waitFor(async () => expect(await redis.llen("sent")).toBeGreaterThan(0), PATIENCE);
  const stored = await redis.lrange("sent", 0, -1);
  expect(stored).toEqual([...new Set(stored)]);
  expect(confirmed.filter((one) => !stored.includes(one))).toEqual([]);
  expect(errors.map(String).join()).toMatch(/NoPrimaryError: the primary among the servers of REDIS_URL/);
}, 120_000);
