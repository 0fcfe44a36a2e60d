import { expect, test, vi } from "vitest";
import type { ConcurrentWork } from "../../../runner/engine/binding.ts";
import type { Holding } from "../../../runner/holding/holdings.ts";
import type { Entry } from "../../../shared/entry.ts";
import { readTime as redisTime } from "../../../shared/io/redis/clock.ts";
import { addEntries } from "../../servers/redis-contents.ts";
import { allDone, useReclaiming } from "./reclaim-fixture.ts";

const group = useReclaiming();
const LOOP = { claimIdleMs: 60_000, blockMs: 1_000, reclaims: false, leaseMs: 600 };

/** Work like that of tasks, without lanes. */
const CONCURRENT: ConcurrentWork = {
  isUnderWay: () => false,
  isBegun: () => false,
  reserved: new Set(),
  reserve: () => undefined,
  release: () => undefined,
  isBehindReserved: () => false,
  unfinishedEffects: () => undefined,
};

/** A function that notes what it is called with. */
function noting(called: string[]) {
  return (entries: readonly Entry[]) => {
    called.push(...entries.map(({ id }) => id));
    return allDone(entries);
  };
}

test("of two runners one reads; when it stops, the other one goes on with what comes", async () => {
  const [first, second] = [[] as string[], [] as string[]];
  const holder = group.startLoop({ ...LOOP, leaseMs: 60_000, answer: noting(first) });
  const before = await addEntries(group.redis, group.key, 3);
  await vi.waitFor(() => expect(first).toEqual(before));
  group.startLoop({ ...LOOP, leaseMs: 60_000, answer: noting(second) });
  const more = await addEntries(group.redis, group.key, 3);
  await vi.waitFor(() => expect(first).toEqual([...before, ...more]));
  await holder.stop();
  const after = await addEntries(group.redis, group.key, 3);
  await vi.waitFor(() => expect(second).toEqual(after));
  expect(first).toHaveLength(6);
});

test("what a holder left is processed first and in order, and nothing that it decides later is committed", async () => {
  let wake = (): void => undefined;
  const asleep = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const [stuck, next] = [[] as string[], [] as string[]];
  group.startLoop({
    ...LOOP,
    async answer(entries) {
      noting(stuck)(entries);
      await asleep;
      const results = entries.map(({ id }) => {
        const append = [{ stream: "signal_results" as const, fields: { from: "stuck" } }];
        return { id, status: "done" as const, effects: { append, count: [] } };
      });
      return { status: "answered", results };
    },
  });
  const ids = await addEntries(group.redis, group.key, 5);
  await vi.waitFor(() => expect(stuck.length).toBeGreaterThan(0));
  group.startLoop({ ...LOOP, answer: noting(next) });
  await vi.waitFor(() => expect(next).toHaveLength(5), { timeout: 10_000 });
  wake();
  const more = await addEntries(group.redis, group.key, 2);
  await vi.waitFor(async () => expect(await group.pendingCount()).toBe(0));
  await vi.waitFor(() => expect([...new Set([...next, ...stuck])].toSorted()).toEqual([...ids, ...more]));
  expect(next.slice(0, 5)).toEqual(ids);
  expect(await group.redis.exists(group.key.replace("signals_stream", "signal_results"))).toBe(0);
});

test("work that a lost holding has not begun is started again in order under the next one", async () => {
  const holdings: Holding[] = [];
  const calls: string[][] = [];
  const starts: (() => void)[] = [];
  group.startLoop({
    ...LOOP,
    concurrent: CONCURRENT,
    onHeld: (holding) => holdings.push(holding),
    async answer(entries) {
      calls.push(entries.map(({ id }) => id));
      const isFirst = holdings.length === 1;
      await new Promise<void>((resolve) => starts.push(resolve));
      if (!isFirst) return allDone(entries);
      // Nothing is begun with the token of a holding that is over.
      const results = entries.map(({ id }) => ({
        id,
        status: "retry" as const,
        error: "lost",
        expected: true as const,
      }));
      return { status: "answered", results };
    },
  });
  const ids = await addEntries(group.redis, group.key, 3);
  await vi.waitFor(() => expect(calls.flat()).toEqual(ids));
  holdings[0]?.deposed();
  await group.redis.del(group.key.replace("signals_stream", "lease:signal_processor"));
  await vi.waitFor(() => expect(calls.flat()).toEqual([...ids, ...ids]), { timeout: 5_000 });
  for (const start of starts) start();
  await vi.waitFor(async () => expect(await group.pendingCount()).toBe(0));
  expect(calls.flat()).toHaveLength(6);
});

test("a stop that releases the group before its read has ended is no failure", async () => {
  const holdings: Holding[] = [];
  const messages: string[] = [];
  const called: string[] = [];
  const loop = group.startLoop({
    ...LOOP,
    leaseMs: 60_000,
    concurrent: CONCURRENT,
    answer: noting(called),
    onHeld: (holding) => holdings.push(holding),
    onEvent: ({ message }) => messages.push(message),
  });
  const ids = await addEntries(group.redis, group.key, 1);
  await vi.waitFor(() => expect(called).toEqual(ids));
  await vi.waitFor(async () => expect(await group.isBlocked(loop.name)).toBe(true));
  await holdings[0]?.release();
  await loop.stop();
  expect(messages.filter((message) => message.includes("start again"))).toEqual([]);
});

test("a runner that no longer holds the group keeps no place in a lane for what another has begun", async () => {
  const holdings: Holding[] = [];
  const reserved = new Set<string>();
  const { redis, key } = group;
  const ids = await addEntries(redis, key, 1);
  await redis.xgroup("CREATE", key, "signal_processor", "0").catch(() => "it is there");
  await redis.xreadgroup("GROUP", "signal_processor", "begun it", "STREAMS", key, ">");
  group.startLoop({
    ...LOOP,
    concurrent: {
      ...CONCURRENT,
      reserved,
      reserve: ({ id }) => void reserved.add(id),
      release: (id) => void reserved.delete(id),
    },
    answer: allDone,
    onHeld: (holding) => holdings.push(holding),
  });
  await vi.waitFor(() => expect([...reserved]).toEqual(ids));
  await redis.hset(key.replace("signals_stream", "lease:signal_processor"), {
    token: "another",
    runner: "another",
    until: (await redisTime(redis)) + 60_000,
    valid_ms: 60_000,
  });
  holdings[0]?.deposed();
  await vi.waitFor(() => expect(reserved.size).toBe(0));
  expect(await group.pendingCount()).toBe(1);
});

test("a task whose attempt was counted and did not begin keeps its place under the next holding", async () => {
  const holdings: Holding[] = [];
  const reserved = new Set<string>();
  const called: string[] = [];
  const starts: (() => void)[] = [];
  const { redis, key } = group;
  const loop = group.startLoop({
    ...LOOP,
    concurrent: { ...CONCURRENT, reserved, reserve: ({ id }) => void reserved.add(id) },
    async answer(entries) {
      noting(called)(entries);
      await new Promise<void>((resolve) => starts.push(resolve));
      return allDone(entries);
    },
    onHeld: (holding) => holdings.push(holding),
  });
  const [id = ""] = await addEntries(redis, key, 1);
  await vi.waitFor(() => expect(called).toEqual([id]));
  await redis.xclaim(key, "signal_processor", loop.name, 0, id, "RETRYCOUNT", 1, "JUSTID");
  holdings[0]?.deposed();
  await redis.del(key.replace("signals_stream", "lease:signal_processor"));
  await vi.waitFor(() => expect([...reserved]).toEqual([id]), { timeout: 5_000 });
  for (const start of starts) start();
});
