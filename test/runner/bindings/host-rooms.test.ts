import { expect, test } from "vitest";
import { hostRooms, hostsIn } from "../../../runner/bindings/host-rooms.ts";
import { openLanes } from "../../../runner/bindings/ordered-lanes.ts";
import { keyedLimit } from "../../../shared/keyed-limit.ts";

test.each<[unknown, string[]]>([
  [{ url: "https://Broker.example/hook?t=1" }, ["broker.example"]],
  [
    { urls: ["http://a.test:8080/x", { deep: "HTTPS://b.test" }], note: "see http://c.test" },
    ["a.test:8080", "b.test"],
  ],
  [{ url: "http://", account: 7, on: true, none: null }, []],
  [undefined, []],
])("the hosts in %j are %j", (params, hosts) => {
  expect([...hostsIn(params)]).toEqual(hosts);
});

const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("where connections per host are limited, a run waits for one before it begins, and others go on", async () => {
  const urls: Record<number, string[]> = {
    1: ["http://a.test"],
    2: ["http://b.test", "http://a.test"],
    3: ["http://a.test/x", "http://b.test/y"],
    4: [],
  };
  const lanes = openLanes({
    concurrencyMax: 3,
    concurrencyPerStrategyMax: 3,
    closing: new AbortController().signal,
    hostRooms: hostRooms({ limit: keyedLimit(1), paramsOf: async (id) => urls[id] }),
  });
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const run = async (id: number) =>
    lanes.withRoom(id, async () => {
      begun.push(id);
      await new Promise<void>((resolve) => ends.push(resolve));
    });
  const runs = [1, 1, 2, 3, 4, 4].map(run);
  await turn();
  // The runs that wait for a host hold no room of all.
  expect(begun).toEqual([4, 4, 1]);
  for (let i = 0; i < runs.length; i += 1) {
    ends[i]?.();
    await turn();
  }
  await Promise.all(runs);
  expect(begun).toEqual([4, 4, 1, 1, 2, 3]);
});
