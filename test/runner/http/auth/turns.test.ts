import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { turns } from "../../../../runner/http/auth/turns.ts";

const open = (client: string) => ({ client, isClosed: () => false });

test("few begin in each turn of the event loop, in the order they ask, and one alone at once", async () => {
  const turn = turns(3);
  const begun: number[] = [];
  const ask = async (n: number): Promise<void> => {
    await turn.next(open("one"));
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
  expect(turn.next(open("one"))).toBeUndefined();
});

test("those whose connections are closed take no turn of others, and do not pile up", async () => {
  const turn = turns(2);
  const begun: string[] = [];
  let isClosed = false;
  const ask = async (name: string, isMine = () => false): Promise<void> => {
    await turn.next({ client: "one", isClosed: isMine });
    begun.push(name);
  };
  const first = [ask("a"), ask("b")];
  const flood = Array.from({ length: 30 }, async () => ask("closed", () => isClosed));
  const others = [ask("c"), ask("d"), ask("e")];
  isClosed = true;
  await Promise.all(first);
  await nextTurn();
  expect(begun).toEqual(["a", "b", ...Array.from({ length: 30 }, () => "closed"), "c", "d"]);
  await Promise.all([...flood, ...others]);
  expect(begun.at(-1)).toBe("e");
});

test("a flood of one client delays no other by more than a turn", async () => {
  const turn = turns(2);
  const begun: string[] = [];
  const ask = async (client: string): Promise<void> => {
    await turn.next(open(client));
    begun.push(client);
  };
  const flood = Array.from({ length: 40 }, async () => ask("flood"));
  const alert = ask("alert");
  await alert;
  expect(begun.length).toBeLessThanOrEqual(4);
  await Promise.all(flood);
});
