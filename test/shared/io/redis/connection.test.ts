import { once } from "node:events";
import type { Redis } from "ioredis";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import {
  defineScript,
  openRedis,
  type RedisConnectionOptions,
} from "../../../../shared/io/redis/connection.ts";
import { freshPrefix, redisUrl } from "../../../servers/fixtures.ts";
import { startRedis, type RedisServer } from "../../../servers/redis.ts";
import { startRelay } from "../../../servers/relay.ts";

/** A connection that ends with the test. */
function open(options: Partial<RedisConnectionOptions> = {}): Redis {
  const redis = openRedis({
    key: "test",
    url: redisUrl(),
    role: "commands",
    name: "test",
    onError: () => undefined,
    ...options,
  });
  onTestFinished(() => redis.disconnect());
  return redis;
}

async function startOwn(): Promise<RedisServer> {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  return server;
}

const failure = async (command: Promise<unknown>): Promise<unknown> =>
  command.then(
    () => "answered",
    (error: unknown) => error,
  );

afterEach(() => {
  vi.useRealTimers();
});

describe("a script", () => {
  it("runs again after the scripts were flushed", async () => {
    // Others load and send scripts to the server of all tests meanwhile.
    const redis = open({ url: (await startOwn()).url });
    const key = `${freshPrefix()}n`;
    const run = defineScript(redis, "raise", "return redis.call('INCRBY', KEYS[1], ARGV[1])");
    expect(await run([key], [2])).toBe(2);
    await redis.script("FLUSH");
    expect(await Promise.all([run([key], [3]), run([key], ["4"])])).toStrictEqual([5, 9]);
  });

  it("takes hundreds of thousands of arguments", async () => {
    const count = defineScript(open(), "countArguments", "return #ARGV");
    const many = Array.from({ length: 300_000 }, (_, n) => n);
    expect(await count([], many)).toBe(300_000);
  });
});

describe("a connection", () => {
  it("rejects a command that is not answered in time, and works again when the server does", async () => {
    const server = await startOwn();
    const redis = open({ url: server.url, answerMsMax: 300 });
    await redis.set("a", "1");
    process.kill(server.pid, "SIGSTOP");
    expect(await failure(redis.get("a"))).toBeInstanceOf(Error);
    process.kill(server.pid, "SIGCONT");
    await vi.waitFor(async () => expect(await redis.get("a")).toBe("1"), { timeout: 10_000 });
  });

  it("for blocking reads detects a frozen server soon after the block time, and works again", async () => {
    const server = await startOwn();
    const blocking = open({ url: server.url, role: "blocking", blockMs: 100 });
    const read = () => blocking.xread("BLOCK", 100, "STREAMS", "s", "$");
    expect(await read()).toBeNull();
    process.kill(server.pid, "SIGSTOP");
    expect(await failure(read())).toBeInstanceOf(Error);
    process.kill(server.pid, "SIGCONT");
    await vi.waitFor(async () => expect(await read()).toBeNull(), { timeout: 10_000 });
  });

  it("that is idle, or whose reads return nothing, is not dropped", async () => {
    const commands = open({ answerMsMax: 100 });
    const id = await commands.client("ID");
    const blocking = open({ role: "blocking", blockMs: 200 });
    const blockingId = await blocking.client("ID");
    for (let n = 0; n < 3; n += 1) {
      expect(await blocking.xread("BLOCK", 200, "STREAMS", `${freshPrefix()}s`, "$")).toBeNull();
    }
    expect([await commands.client("ID"), await blocking.client("ID")]).toStrictEqual([id, blockingId]);
  });

  it("never sends a command twice: when its answer is lost it rejects, having run once", async () => {
    const proxy = await startRelay(Number(new URL(redisUrl()).port));
    onTestFinished(() => proxy.stop());
    const redis = open({ url: `redis://127.0.0.1:${proxy.port}` });
    const key = `${freshPrefix()}n`;
    await redis.ping();
    proxy.loseNextAnswer();
    expect(await failure(redis.incr(key))).toBeInstanceOf(Error);
    expect(await redis.get(key)).toBe("1");
  });

  it("rejects while the server is down, reports errors, and works again when the server does", async () => {
    const server = await startOwn();
    const errors: Error[] = [];
    const redis = open({ url: server.url, onError: (error) => errors.push(error) });
    await redis.set("a", "1");
    await server.kill();
    expect(await failure(redis.get("a"))).toBeInstanceOf(Error);
    expect(await failure(redis.get("a"))).toBeInstanceOf(Error);
    await vi.waitFor(() => expect(errors).not.toStrictEqual([]));
    await server.start();
    await vi.waitFor(async () => expect(await redis.get("a")).toBe("1"), { timeout: 10_000 });
  });

  it("leaves a server that has become a replica", async () => {
    const server = await startOwn();
    const redis = open({ url: server.url });
    await redis.set("a", "1");
    await redis.replicaof("127.0.0.1", 1);
    const closed = once(redis, "close");
    expect(await failure(redis.set("a", "2"))).toMatchObject({
      message: expect.stringContaining("READONLY"),
    });
    await closed;
  });

  it("that stays a replica is not left for each refusal, since other commands in flight fail with it", async () => {
    const server = await startOwn();
    const redis = open({ url: server.url });
    await redis.replicaof("127.0.0.1", 1);
    const closed = once(redis, "close");
    await failure(redis.set("a", "1"));
    await closed;
    const id = await redis.client("ID");
    for (let n = 0; n < 5; n += 1) expect(String(await failure(redis.set("a", "1")))).toContain("READONLY");
    expect(await redis.client("ID")).toBe(id);
  });

  it("of one command stays on a replica, and returns what it says", async () => {
    const server = await startOwn();
    const redis = open({ url: server.url, staysOnReplica: true });
    await redis.replicaof("127.0.0.1", 1);
    const id = await redis.client("ID");
    expect(String(await failure(redis.set("a", "1")))).toContain("READONLY");
    expect(await redis.client("ID")).toBe(id);
  });

  it("has its name in CLIENT LIST", async () => {
    const name = freshPrefix();
    expect(await open({ name }).client("LIST")).toContain(`name=${name}`);
  });
});
