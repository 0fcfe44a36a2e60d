import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { groupProgressOn } from "../../../../shared/io/streams/group-progress.ts";
import { lastEntryId } from "../../../../shared/io/streams/read-entries.ts";
import { signalStreamOn } from "../../../../shared/io/streams/signal-stream.ts";
import { holdersOf } from "../../../../shared/io/streams/uid-holders.ts";
import { keysOf, type Keys } from "../../../../shared/keys.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { addEntries, connectRedis, contentsOf } from "../../../servers/redis-contents.ts";

let redis: Redis;
let keys: Keys;
beforeAll(() => {
  redis = connectRedis();
});
beforeEach(() => {
  keys = keysOf(freshPrefix());
});
afterAll(() => redis.disconnect());

const signals = () => keys.stream("signals_stream");
const collected = async (pages: AsyncIterable<readonly { id: string }[]>) => {
  const ids: string[] = [];
  for await (const page of pages) ids.push(...page.map(({ id }) => id));
  return ids;
};

describe("signals_stream", () => {
  test("is read in whole or in part, page by page", async () => {
    const stream = signalStreamOn(redis, keys);
    expect(await collected(stream.all())).toEqual([]);
    const ids = await addEntries(redis, signals(), 300);
    const before = await contentsOf(redis, keys.prefix);
    expect(await collected(stream.all())).toEqual(ids);
    expect(await collected(stream.between({ from: ids[3] ?? "", to: ids[258] ?? "" }))).toEqual(
      ids.slice(3, 259),
    );
    expect(await collected(stream.between({ from: "1-1", to: "1-2" }))).toEqual([]);
    expect(await contentsOf(redis, keys.prefix)).toEqual(before);
  });

  test("gives entries by id, without those that do not exist", async () => {
    const ids = await addEntries(redis, signals(), 200);
    const found = await signalStreamOn(redis, keys).byId([...ids, "1-1"]);
    expect([...found.keys()]).toEqual(ids);
    expect(found.get(ids[150] ?? "")).toEqual({ id: ids[150], fields: { n: "150" } });
  });

  test("that is not a stream is an error", async () => {
    await redis.set(signals(), "x");
    await expect(signalStreamOn(redis, keys).byId(["1-1"])).rejects.toThrow(/WRONGTYPE/);
  });
});

describe("the progress of a group", () => {
  const progress = () => groupProgressOn(redis, signals(), "g");
  const read = async (count: number) =>
    redis.xreadgroup("GROUP", "g", "c", "COUNT", count, "STREAMS", signals(), ">");

  test("is unknown without the group, or without the stream", async () => {
    expect(await progress().lastDelivered()).toBeUndefined();
    expect(await lastEntryId(redis, signals())).toBeUndefined();
    const [id = ""] = await addEntries(redis, signals(), 1);
    expect(await progress().lastDelivered()).toBeUndefined();
    expect(await progress().hasDone(id)).toBe(false);
    expect(await lastEntryId(redis, signals())).toBe(id);
  });

  test("is the last delivered entry, the pending ones, and whether everything up to an entry is done", async () => {
    const ids = await addEntries(redis, signals(), 4);
    await redis.xgroup("CREATE", signals(), "g", "0");
    const [first = "", second = "", third = "", fourth = ""] = ids;
    expect(await progress().hasDone(first)).toBe(false);
    await read(3);
    expect(await progress().lastDelivered()).toBe(third);
    const pending: string[] = [];
    for await (const id of progress().pending({ from: second, to: fourth })) pending.push(id);
    expect(pending).toEqual([second, third]);
    await redis.xack(signals(), "g", first, second);
    expect(await Promise.all(ids.map(async (id) => progress().hasDone(id)))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    const mayWait = ({ n }: Readonly<Record<string, string>>): boolean => n === "2";
    expect(await progress().hasDone(third, { mayWait })).toBe(true);
    await redis.xack(signals(), "g", third);
    expect(await progress().hasDone(third)).toBe(true);
    expect(await progress().hasDone(fourth)).toBe(false);
    await redis.xdel(signals(), fourth);
    expect(await progress().hasDone(fourth)).toBe(true);
  });

  test("lists more pending entries than a page holds", async () => {
    const ids = await addEntries(redis, signals(), 1_500);
    await redis.xgroup("CREATE", signals(), "g", "0");
    await read(1_500);
    const pending: string[] = [];
    for await (const id of progress().pending({ from: ids[0] ?? "", to: ids.at(-1) ?? "" })) pending.push(id);
    expect(pending).toEqual(ids);
  });
});

test("the holder of a uid is the entry in its claim, or unknown where the key is not a string", async () => {
  expect(await holdersOf(redis, keys, [])).toEqual(new Map());
  await redis.set(keys.dedup("a"), "1-1");
  await redis.hset(keys.dedup("b"), "x", "y");
  expect([...(await holdersOf(redis, keys, ["c", "b", "a"]))]).toEqual([
    ["b", "unknown"],
    ["a", "1-1"],
  ]);
});
