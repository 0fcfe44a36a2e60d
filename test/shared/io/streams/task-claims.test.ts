import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { readTime } from "../../../../shared/io/redis/clock.ts";
import { fencedReadsOn } from "../../../../shared/io/streams/fenced-reads.ts";
import { streamGroupOn } from "../../../../shared/io/streams/stream-group.ts";
import { streamProblem, taskClaimsOn } from "../../../../shared/io/streams/task-claims.ts";
import { keysOf, type Keys } from "../../../../shared/keys.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { addEntries, connectRedis } from "../../../servers/redis-contents.ts";

const OF = { stream: "strategy_input_stream", group: "strategy_executor" } as const;

let redis: Redis;
let keys: Keys;
let ids: string[];

beforeAll(() => {
  redis = connectRedis();
});
afterAll(() => redis.disconnect());
beforeEach(async () => {
  keys = keysOf(freshPrefix());
  ids = await addEntries(redis, keys.stream(OF.stream), 3);
  await redis.xgroup("CREATE", keys.stream(OF.stream), OF.group, "0");
  await redis.hset(keys.groupLease(OF.group), "token", TOKEN);
  await deliver("mine", 3);
});

const TOKEN = "token";
const holding = { group: OF.group, token: TOKEN } as const;
const deliver = async (consumer: string, countMax: number) =>
  fencedReadsOn(redis, keys, {
    stream: OF.stream,
    holding,
    consumer,
    countsAttempts: true,
    isOwnConnection: false,
  }).read({ countMax, blockMs: 0 });

const groupOf = (consumer: string) => streamGroupOn(redis, keys, { ...OF, consumer });
const claimsOf = (consumer: string) => taskClaimsOn(redis, keys, { ...OF, consumer });
const deliveries = async (): Promise<number[]> =>
  (await groupOf("x").pending({ idleMs: 0, countMax: 10 })).map((entry) => entry.deliveries);

test("deliveries count the attempts that were started", async () => {
  expect(await deliveries()).toEqual([0, 0, 0]);
  expect(await claimsOf("mine").begin(ids[0] ?? "", TOKEN)).toMatchObject({
    attempt: 1,
    version: "",
    epoch: "0",
  });
  expect(await claimsOf("mine").begin(ids[0] ?? "", TOKEN)).toMatchObject({ attempt: 2 });
  expect(await deliveries()).toEqual([2, 0, 0]);
});

test("starting an attempt gives the current snapshot version and control epoch", async () => {
  await redis.set(keys.referenceCurrent, "v7");
  await redis.hset(keys.control, "epoch", "3");
  expect(await claimsOf("mine").begin(ids[0] ?? "", TOKEN)).toMatchObject({
    attempt: 1,
    version: "v7",
    epoch: "3",
  });
});

test("starting an attempt gives Redis' time, also when there is no attempt", async () => {
  const before = await readTime(redis);
  const answers = [
    await claimsOf("mine").begin(ids[0] ?? "", TOKEN),
    await claimsOf("other").begin(ids[0] ?? "", TOKEN),
  ];
  const after = await readTime(redis);
  for (const { now } of answers) {
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(after);
  }
});

test("a task of another consumer, or a finished one, cannot be started", async () => {
  expect(await claimsOf("other").begin(ids[0] ?? "", TOKEN)).toMatchObject({ attempt: undefined });
  await redis.xack(keys.stream(OF.stream), OF.group, ids[1] ?? "");
  expect(await claimsOf("mine").begin(ids[1] ?? "", TOKEN)).toMatchObject({ attempt: undefined });
  expect(await deliveries()).toEqual([0, 0]);
});

/** Claims those that no consumer has started; gives their ids. */
async function claimUnstarted(consumer: string, idleMs: number): Promise<readonly string[]> {
  const now = await readTime(redis);
  const claimed = await groupOf(consumer).claim(ids, { idleMs, now, unstarted: true });
  if (claimed === "clock_set") throw new Error("the clock of the test's Redis was set");
  return claimed.flatMap((one) => (one.status === "claimed" ? [one.entry.id] : []));
}

test("only tasks that were not started are claimed, and that counts no delivery", async () => {
  await claimsOf("mine").begin(ids[1] ?? "", TOKEN);
  expect(await claimUnstarted("other", 0)).toEqual([ids[0], ids[2]]);
  expect(await deliveries()).toEqual([0, 1, 0]);
  expect(await claimUnstarted("other", 60_000)).toEqual([]);
  expect(await claimsOf("mine").begin(ids[0] ?? "", TOKEN)).toMatchObject({ attempt: undefined });
});

test("a task deleted from the stream stays pending, and its consumer can still start it", async () => {
  await redis.xdel(keys.stream(OF.stream), ids[0] ?? "");
  expect(await claimsOf("mine").begin(ids[0] ?? "", TOKEN)).toMatchObject({ attempt: 1 });
  expect(await claimUnstarted("other", 0)).toEqual(ids.slice(1));
  expect(await deliveries()).toHaveLength(3);
});

test("released tasks can be claimed at once, even with the longest idle time", async () => {
  await claimsOf("mine").begin(ids[0] ?? "", TOKEN);
  await groupOf("mine").release();
  expect(await claimUnstarted("other", 600_000)).toHaveLength(2);
  const options = { idleMs: 600_000, now: await readTime(redis) };
  expect(await groupOf("other").claim(ids.slice(0, 1), options)).toMatchObject([{ status: "claimed" }]);
  expect(await deliveries()).toEqual([1, 0, 0]);
});

test("more tasks than one claim takes are all delivered as not started", async () => {
  await addEntries(redis, keys.stream(OF.stream), 2_500);
  await deliver("mine", 3_000);
  const pending = await groupOf("mine").pending({ idleMs: 0, countMax: 3_000 });
  expect(pending).toHaveLength(2_503);
  expect(pending.filter((entry) => entry.deliveries > 0)).toEqual([]);
});

test("a first attempt begins only with the token of the group's lease, a further one with any", async () => {
  const [first = "", second = ""] = ids;
  await claimsOf("mine").begin(first, TOKEN);
  await redis.hset(keys.groupLease(OF.group), "token", "next");
  expect(await claimsOf("mine").begin(first, TOKEN)).toMatchObject({ attempt: 2, token: "next" });
  expect(await claimsOf("mine").begin(second, TOKEN)).toMatchObject({ attempt: undefined, token: "next" });
  await redis.del(keys.groupLease(OF.group));
  expect(await claimsOf("mine").begin(second, TOKEN)).toMatchObject({ attempt: undefined, token: "" });
  expect(await claimsOf("mine").begin(second, "")).toMatchObject({ attempt: undefined });
  expect(await deliveries()).toEqual([2, 0, 0]);
});

test("a strategy's own stream can be written to when it is a stream or does not exist", async () => {
  expect(await streamProblem(redis, keys, "strategies:a")).toBeUndefined();
  await redis.set(keys.stream("strategies:a"), "x");
  expect(await streamProblem(redis, keys, "strategies:a")).toMatch(/is a string, expected a stream/);
});
