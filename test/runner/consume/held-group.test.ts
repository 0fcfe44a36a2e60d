import { expect, test, vi } from "vitest";
import type { Entry } from "../../../shared/entry.ts";
import { addEntries } from "../../servers/redis-contents.ts";
import { allDone, useReclaiming } from "./reclaim-fixture.ts";

const group = useReclaiming();
const LOOP = { claimIdleMs: 60_000, blockMs: 1_000, reclaims: false, leaseMs: 600 };

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
