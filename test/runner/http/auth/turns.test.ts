import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { turns } from "../../../../runner/http/auth/turns.ts";

test("few begin in each turn of the event loop, in the order they ask, and one alone at once", async () => {
  const turn = turns(3);
  const begun: number[] = [];
  const ask = async (n: number): Promise<void> => {
    await turn.next();
    begun.push(n);
  };
  const all = Array.from({ length: 8 }, async (_, n) => ask(n));
  const counts: number[] = [];
  while (begun.length < 8) {
    await Promise.resolve();
    counts.push(begun.length);
    await nextTurn();
  }
  await Promise.all(all);
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(Math.max(...counts.map((count, at) => count - (counts[at - 1] ?? 0)))).toBe(3);
  await nextTurn();
  await nextTurn();
  expect(turn.next()).toBeUndefined();
});
