import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openLanes } from "../../../runner/bindings/ordered-lanes.ts";

const never = new AbortController().signal;
const lanesOf = (changes: Partial<Parameters<typeof openLanes>[0]> = {}) =>
  openLanes({ concurrencyMax: 3, concurrencyPerStrategyMax: 2, closing: never, ...changes });

const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a lane", () => {
  test("is passed in the order of entering, whatever each takes, and lanes do not wait for each other", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ lane: fc.constantFrom("a", "b", "c"), turns: fc.nat(4), fails: fc.boolean() })),
        async (jobs) => {
          const lanes = lanesOf();
          const inside = new Map<string, number>();
          const ended: { lane: string; n: number }[] = [];
          await Promise.allSettled(
            jobs.map(async ({ lane, turns, fails }, n) =>
              lanes.inOrder(lane, `${n}-0`, async () => {
                expect(inside.get(lane) ?? 0).toBe(0);
                inside.set(lane, 1);
                for (let i = 0; i < turns; i += 1) await turn();
                inside.set(lane, 0);
                ended.push({ lane, n });
                if (fails) throw new Error("failed");
              }),
            ),
          );
          expect(ended).toHaveLength(jobs.length);
          for (const lane of ["a", "b", "c"]) {
            const order = ended.filter((end) => end.lane === lane).map(({ n }) => n);
            expect(order).toEqual(order.toSorted((x, y) => x - y));
          }
        },
      ),
    );
  });

  test("waits at the place kept for a task that somebody left behind, until it has been there or is released", async () => {
    const lanes = lanesOf();
    const order: string[] = [];
    const go = async (id: string) => lanes.inOrder("a", id, async () => void order.push(id));
    lanes.reserve("a", "1-0");
    lanes.reserve("a", "2-0");
    expect([...lanes.reserved]).toEqual(["1-0", "2-0"]);
    const last = go("3-0");
    await turn();
    expect(order).toEqual([]);
    await go("1-0");
    await turn();
    expect(order).toEqual(["1-0"]);
    lanes.release("2-0");
    await last;
    expect(order).toEqual(["1-0", "3-0"]);
    expect(lanes.reserved.size).toBe(0);
  });

  test("tells whose kept place has another kept before it", () => {
    const lanes = lanesOf();
    lanes.reserve("a", "1-0");
    lanes.reserve("b", "2-0");
    lanes.reserve("a", "3-0");
    expect(["1-0", "2-0", "3-0", "9-9"].map((id) => lanes.isBehindReserved(id))).toEqual([
      false,
      false,
      true,
      false,
    ]);
    lanes.release("1-0");
    expect(lanes.isBehindReserved("3-0")).toBe(false);
  });

  test("lets nobody in any more once the lanes close", async () => {
    const closing = new AbortController();
    const lanes = lanesOf({ closing: closing.signal });
    lanes.reserve("a", "1-0");
    const waiting = lanes.inOrder("a", "2-0", async () => "ran");
    closing.abort();
    expect(await waiting).toBeUndefined();
    expect(await lanes.inOrder("b", "3-0", async () => "ran")).toBeUndefined();
  });
});

test("there is room for so many of a strategy, and so many of all", async () => {
  const lanes = lanesOf();
  const running = new Map<number, number>();
  let most = 0;
  let mostOfOne = 0;
  const strategies = Array.from({ length: 40 }, (_, i) => (i < 20 ? 0 : i % 4));
  const jobs = strategies.map(async (id) =>
    lanes.withRoom(id, async () => {
      running.set(id, (running.get(id) ?? 0) + 1);
      most = Math.max(
        most,
        [...running.values()].reduce((sum, n) => sum + n, 0),
      );
      mostOfOne = Math.max(mostOfOne, running.get(id) ?? 0);
      await turn();
      running.set(id, (running.get(id) ?? 0) - 1);
    }),
  );
  await Promise.all(jobs);
  expect({ most, mostOfOne }).toEqual({ most: 3, mostOfOne: 2 });
});
