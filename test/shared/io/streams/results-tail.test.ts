import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { entryTime } from "../../../../shared/entry.ts";
import { openRedis } from "../../../../shared/io/redis/connection.ts";
import { tailResults, type ResultsTail } from "../../../../shared/io/streams/results-tail.ts";
import { keysOf, type Keys } from "../../../../shared/keys.ts";
import { freshPrefix, redisUrl } from "../../../servers/fixtures.ts";
import { addEntries, connectRedis, contentsOf } from "../../../servers/redis-contents.ts";

let redis: Redis;
let blocking: Redis;
let keys: Keys;
let key: string;

beforeAll(() => {
  redis = connectRedis();
  blocking = openRedis({
    key: "test",
    url: redisUrl(),
    role: "blocking",
    name: "tail",
    blockMs: 10_000,
    onError(error) {
      throw error;
    },
  });
});
beforeEach(() => {
  keys = keysOf(freshPrefix());
  key = keys.stream("signal_results");
});
afterAll(() => {
  blocking.disconnect();
  redis.disconnect();
});

const open = (changes: { countMax?: number; blockMs?: number } = {}): Promise<ResultsTail> =>
  tailResults(blocking, { keys, countMax: 10, blockMs: 10, ...changes });

const idsOf = async (tail: ResultsTail): Promise<string[]> => (await tail.next()).map(({ id }) => id);

it("a tail starts with what is added after it was opened, and gives each record once, in order", async () => {
  await addEntries(redis, key, 3);
  const tail = await open({ countMax: 2 });
  const ids = await addEntries(redis, key, 3);
  expect([await idsOf(tail), await idsOf(tail), await idsOf(tail)]).toStrictEqual([
    ids.slice(0, 2),
    ids.slice(2),
    [],
  ]);
});

it("a tail of a stream that does not exist yet gives its first records and creates nothing", async () => {
  const tail = await open();
  expect(await tail.next()).toStrictEqual([]);
  expect(await contentsOf(redis, keys.prefix)).toStrictEqual({});
  const id = await redis.xadd(key, "*", "__proto__", "x", "data", "{}");
  const [entry, ...more] = await tail.next();
  expect([entry?.id, Object.entries(entry?.fields ?? {}), more]).toStrictEqual([
    id,
    [
      ["__proto__", "x"],
      ["data", "{}"],
    ],
    [],
  ]);
});

it("a waiting tail gives a record as soon as it is added", async () => {
  const tail = await open({ blockMs: 10_000 });
  const next = idsOf(tail);
  await vi.waitFor(async () => {
    expect(await redis.client("LIST")).toMatch(/name=tail .*cmd=xread /);
  });
  const ids = await addEntries(redis, key, 1);
  expect(await next).toStrictEqual(ids);
});

it("skipping to the end leaves out what was added before, and nothing after it", async () => {
  const tail = await open();
  await addEntries(redis, key, 5);
  await tail.skipToEnd();
  expect(await idsOf(tail)).toStrictEqual([]);
  const ids = await addEntries(redis, key, 1);
  expect(await idsOf(tail)).toStrictEqual(ids);
});

it("a tail continues after the stream was trimmed or deleted", async () => {
  const tail = await open();
  await addEntries(redis, key, 2);
  await tail.next();
  await redis.xtrim(key, "MAXLEN", 0);
  const second = await addEntries(redis, key, 1);
  expect(await idsOf(tail)).toStrictEqual(second);
  await redis.del(key);
  // A stream created again in the same millisecond would start with the id that the tail has seen.
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(entryTime(second[0] ?? "")), { interval: 1 });
  const third = await addEntries(redis, key, 1);
  expect(await idsOf(tail)).toStrictEqual(third);
});

it("a tail takes no entry from a group", async () => {
  await redis.xgroup("CREATE", key, "log_writer", "0", "MKSTREAM");
  const tail = await open();
  const ids = await addEntries(redis, key, 2);
  expect(await idsOf(tail)).toStrictEqual(ids);
  const read = await redis.xreadgroup("GROUP", "log_writer", "c", "STREAMS", key, ">");
  expect(JSON.stringify(read)).toContain(ids[1]);
});
