import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { TaskEnd } from "../../../../shared/health/task-ends.ts";
import { readTaskEnds, taskEndAdder } from "../../../../shared/io/status/task-ends.ts";
import { keysOf, type Keys } from "../../../../shared/keys.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { connectRedis } from "../../../servers/redis-contents.ts";

let redis: Redis;
let keys: Keys;

beforeAll(() => {
  redis = connectRedis();
});
beforeEach(() => {
  keys = keysOf(freshPrefix());
});
afterAll(() => redis.disconnect());

const endsOf = (text: string, from = 0): TaskEnd[] =>
  text.split("").map((how, i) => ({ row: "fa", at: from + i, failed: how === "f" }));
const add = async (...lists: [number, TaskEnd[]][]) => taskEndAdder(redis, keys)(new Map(lists));
const kept = async () => Object.fromEntries(await readTaskEnds(redis, keys));

it("the last ten ends of each strategy are kept, a day long", async () => {
  await add([1, endsOf("fsf")], [2, endsOf("f")]);
  await add([1, endsOf("sssssffff", 3)]);
  expect(await kept()).toEqual({
    1: endsOf("sfsssssffff")
      .slice(-10)
      .map((end, i) => ({ ...end, at: i + 2 })),
    2: endsOf("f"),
  });
  const expiresMs = await redis.pttl(keys.taskEnds);
  expect([expiresMs > 86_300_000, expiresMs <= 86_400_000]).toEqual([true, true]);
});

it("successes are kept only after a failure, so that healthy strategies cost no write", async () => {
  await add([1, endsOf("ssss")], [2, endsOf("f")]);
  await add([2, endsOf("sssssssss", 1)]);
  expect(await kept()).toEqual({ 2: endsOf("fsssssssss") });
  await add([2, endsOf("s", 10)]);
  expect(await redis.exists(keys.taskEnds)).toBe(0);
});
