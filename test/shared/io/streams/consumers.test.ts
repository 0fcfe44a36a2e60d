import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { openRedis } from "../../../../shared/io/redis/connection.ts";
import { leaveGroup, pruneConsumers } from "../../../../shared/io/streams/consumers.ts";
import { streamGroupOn, type StreamGroup } from "../../../../shared/io/streams/stream-group.ts";
import { keysOf, type Keys } from "../../../../shared/keys.ts";
import { freshPrefix, redisUrl } from "../../../servers/fixtures.ts";
import { addEntries, connectRedis, contentsOf, scriptAccess } from "../../../servers/redis-contents.ts";

const STREAM = "signals_stream";
const GROUP = "signal_processor";

let redis: Redis;
let keys: Keys;
let key: string;

beforeAll(() => {
  redis = connectRedis();
});
beforeEach(async () => {
  keys = keysOf(freshPrefix());
  key = keys.stream(STREAM);
  await redis.xgroup("CREATE", key, GROUP, "0", "MKSTREAM");
});
afterAll(() => redis.disconnect());

const groupOf = (consumer: string): StreamGroup =>
  streamGroupOn(redis, keys, { stream: STREAM, group: GROUP, consumer });

/** Adds a consumer with so many pending entries; gives their ids. */
async function addConsumer(consumer: string, count: number): Promise<string[]> {
  await redis.xgroup("CREATECONSUMER", key, GROUP, consumer);
  await addEntries(redis, key, count);
  if (count === 0) return [];
  return (await groupOf(consumer).read(redis, { countMax: count, blockMs: 0 })).map(({ id }) => id);
}

const prune = async (idleMs: number) => pruneConsumers(redis, keys, { stream: STREAM, group: GROUP, idleMs });
const leave = async (consumer: string) => leaveGroup(redis, keys, { stream: STREAM, group: GROUP, consumer });

/** Prunes until so many consumers have been idle for long enough. */
async function pruned(count: number): Promise<string[]> {
  const names: string[] = [];
  await vi.waitFor(async () => {
    names.push(...(await prune(20)));
    expect(names.length).toBeGreaterThanOrEqual(count);
  });
  return names.toSorted();
}

async function consumers(): Promise<string[]> {
  const infos = (await redis.xinfo("CONSUMERS", key, GROUP)) as unknown[][];
  return infos.map((info) => String(info[1])).toSorted();
}

async function pendingIds(): Promise<string[]> {
  return (await groupOf("any").pending({ idleMs: 0, countMax: 10_000 })).map(({ id }) => id);
}

describe("pruning consumers", () => {
  it("removes those that have been idle for long enough and have nothing pending", async () => {
    const [done = ""] = await addConsumer("done", 1);
    await addConsumer("never-read", 0);
    const held = await addConsumer("holds", 2);
    await redis.xack(key, GROUP, done);
    expect(await pruned(2)).toStrictEqual(["done", "never-read"]);
    expect(await prune(20)).toStrictEqual([]);
    expect(await consumers()).toStrictEqual(["holds"]);
    expect(await pendingIds()).toStrictEqual(held);
  });

  it("removes a consumer once its pending entries were claimed", async () => {
    const [id = ""] = await addConsumer("dead", 1);
    await redis.xclaim(...([key, GROUP, "alive", 0, id] as const));
    expect(await pruned(1)).toStrictEqual(["dead"]);
    expect(await pendingIds()).toStrictEqual([id]);
  });

  it("does not remove those that have not been idle for long enough", async () => {
    await addConsumer("fresh", 0);
    expect(await prune(3_600_000)).toStrictEqual([]);
    expect(await consumers()).toStrictEqual(["fresh"]);
  });

  it("does not remove a consumer whose pending entry was deleted from the stream: its commit needs it", async () => {
    const ids = await addConsumer("holds", 1);
    await redis.xdel(key, ...ids);
    await addConsumer("idle", 0);
    expect(await pruned(1)).toStrictEqual(["idle"]);
    expect(await pendingIds()).toStrictEqual(ids);
  });

  it("takes nothing from a waiting consumer: its next entry is delivered and pending for it", async () => {
    const blocking = openRedis({
      key: "test",
      url: redisUrl(),
      role: "blocking",
      name: `waiting-${keys.prefix}`,
      blockMs: 10_000,
      onError(error) {
        throw error;
      },
    });
    const reader = groupOf("waiting");
    await addConsumer("waiting", 0);
    const reading = reader.read(blocking, { countMax: 1, blockMs: 10_000 });
    await vi.waitFor(async () => {
      expect(await redis.client("LIST")).toMatch(new RegExp(`name=waiting-${keys.prefix} .*cmd=xreadgroup`));
    });
    await pruned(1);
    expect(await consumers()).toStrictEqual([]);
    const [id] = await addEntries(redis, key, 1);
    expect(await reading).toStrictEqual([{ id, fields: { n: "0" } }]);
    expect(await reader.pending({ idleMs: 0, countMax: 10 })).toMatchObject([{ id, consumer: "waiting" }]);
    blocking.disconnect();
  });

  it("never drops a pending entry, though entries are delivered and acknowledged meanwhile", async () => {
    const kept: string[] = [];
    const removed: string[] = [];
    const delivered = new AbortController();
    const pruning = (async () => {
      while (!delivered.signal.aborted) removed.push(...(await prune(-1)));
    })();
    const deliver = async (consumer: string): Promise<void> => {
      const connection = connectRedis();
      const group = streamGroupOn(connection, keys, { stream: STREAM, group: GROUP, consumer });
      const open: string[] = [];
      for (let round = 1; round <= 200 || removed.length < 100; round += 1) {
        await connection.xadd(key, "*", "n", round);
        const [entry] = await group.read(connection, { countMax: 1, blockMs: 0 });
        if (entry !== undefined) open.push(entry.id);
        // Without pending entries now and then, so that it can be removed; in the end some stay pending.
        if (round % 3 === 0) expect(await connection.xack(key, GROUP, ...open)).toBe(open.length);
        if (round % 3 === 0) open.length = 0;
      }
      await connection.xadd(key, "*", "n", "last");
      const last = await group.read(connection, { countMax: 10, blockMs: 0 });
      kept.push(...open, ...last.map(({ id }) => id));
      connection.disconnect();
    };
    await Promise.all(["a", "b", "c", "d"].map(deliver));
    delivered.abort();
    await pruning;
    expect(kept).not.toHaveLength(0);
    expect(new Set(await pendingIds())).toStrictEqual(new Set(kept));
  });

  it("removes nothing where the stream or the group does not exist", async () => {
    await redis.xgroup("DESTROY", key, GROUP);
    expect(await prune(0)).toStrictEqual([]);
    await redis.del(key);
    expect(await prune(0)).toStrictEqual([]);
    expect(await leave("c")).toBe(false);
    expect(await contentsOf(redis, keys.prefix)).toStrictEqual({});
  });

  it("rejects when the stream's key is not a stream", async () => {
    await redis.del(key);
    await redis.set(key, "x");
    await expect(prune(0)).rejects.toThrow("WRONGTYPE");
  });

  it("touches only the key it declares", async () => {
    await addConsumer("idle", 0);
    const access = await scriptAccess(redis, keys.prefix, () => leave("idle"));
    expect(access).toMatchObject({ undeclared: [] });
    expect(access.touched).toBeGreaterThanOrEqual(2);
  });
});

describe("leaving a group", () => {
  it("removes this consumer at once, and no other", async () => {
    await addConsumer("mine", 0);
    await addConsumer("other", 0);
    expect(await leave("mine")).toBe(true);
    expect(await consumers()).toStrictEqual(["other"]);
    expect(await leave("mine")).toBe(false);
  });

  it("does not happen while something is pending for the consumer", async () => {
    const ids = await addConsumer("mine", 2);
    expect(await leave("mine")).toBe(false);
    expect(await pendingIds()).toStrictEqual(ids);
    await redis.xack(key, GROUP, ...ids);
    expect(await leave("mine")).toBe(true);
    expect(await consumers()).toStrictEqual([]);
  });
});
