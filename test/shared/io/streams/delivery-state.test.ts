import { afterAll, beforeEach, expect, test } from "vitest";
import { deliveryStateOf } from "../../../../shared/io/streams/delivery-state.ts";
import { keysOf, type Keys } from "../../../../shared/keys.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { connectRedis } from "../../../servers/redis-contents.ts";

const redis = connectRedis();
afterAll(() => redis.disconnect());

let keys: Keys;
let stream: string;
beforeEach(() => {
  keys = keysOf(freshPrefix());
  stream = keys.stream("signals_stream");
});

const group = async (from = "0") => redis.xgroup("CREATE", stream, "signal_processor", from, "MKSTREAM");
const add = async (id: string) => redis.xadd(stream, id, "n", id);
const read = async (count: number) =>
  redis.xreadgroup("GROUP", "signal_processor", "one", "COUNT", count, "STREAMS", stream, ">");
const stateOf = async (id: string) => deliveryStateOf(redis, keys, id);
const waiting = { status: "waiting" };

test("an entry waits until it is delivered, also while there is no stream or no group", async () => {
  expect(await stateOf("5-0")).toEqual({ fields: undefined, delivery: waiting });
  await add("5-0");
  expect(await stateOf("5-0")).toEqual({ fields: { n: "5-0" }, delivery: waiting });
  await group();
  expect(await stateOf("5-0")).toEqual({ fields: { n: "5-0" }, delivery: waiting });
});

test("a delivered entry is pending until it is acknowledged", async () => {
  for (const id of ["5-0", "9-1", "10-0", "10-2"]) await add(id);
  await group();
  await read(3);
  await redis.xclaim(stream, "signal_processor", "two", 0, "9-1");
  const pending = { status: "pending", idleMs: expect.any(Number) };
  expect((await stateOf("9-1")).delivery).toEqual({ ...pending, consumer: "two", deliveries: 2 });
  expect((await stateOf("10-0")).delivery).toEqual({ ...pending, consumer: "one", deliveries: 1 });
  expect((await stateOf("10-2")).delivery).toEqual(waiting);
  await redis.xack(stream, "signal_processor", "9-1");
  expect(await stateOf("9-1")).toEqual({ fields: { n: "9-1" }, delivery: { status: "acknowledged" } });
});

test("a pending entry that was deleted is still pending, without fields", async () => {
  await add("5-0");
  await group();
  await read(1);
  await redis.xdel(stream, "5-0");
  expect(await stateOf("5-0")).toEqual({
    fields: undefined,
    delivery: expect.objectContaining({ status: "pending", consumer: "one" }),
  });
});

test("what other groups do with an entry does not count", async () => {
  await add("5-0");
  await group();
  await redis.xgroup("CREATE", stream, "others", "0");
  await redis.xreadgroup("GROUP", "others", "one", "STREAMS", stream, ">");
  expect((await stateOf("5-0")).delivery).toEqual(waiting);
});

test("ids are compared as numbers, to the last one there can be", async () => {
  const last = "18446744073709551615-18446744073709551615";
  await add("900-0");
  await group();
  await read(1);
  expect((await stateOf("1000-0")).delivery).toEqual(waiting);
  expect((await stateOf("89-18446744073709551615")).delivery).toEqual({ status: "acknowledged" });
  expect((await stateOf("0-0")).delivery).toEqual({ status: "acknowledged" });
  expect((await stateOf(last)).delivery).toEqual(waiting);
});

test("a key of another type is an error, not an absent entry", async () => {
  await redis.set(stream, "x");
  await expect(stateOf("5-0")).rejects.toThrow("WRONGTYPE");
});
