import { expect, test } from "vitest";
import { routersTable } from "../../../../runner/cli/router-commands.ts";
import { routersView } from "../../../../runner/http/operations/router-view.ts";
import type { HoldingStatus } from "../../../../shared/io/status/holder-status.ts";
import { NOW } from "../../../builders.ts";

const router = {
  functions: ["process-signals", "trim"],
  pid: 7,
  host: "box",
  everyMs: 1_250,
  since: NOW - 90_000,
};
const lease = { status: "held", until: NOW + 5_000, renewedAt: NOW, seenFreeMs: 0 } as const;
const status: HoldingStatus = {
  holders: [
    { ...lease, group: "signal_processor", runner: "b", since: NOW - 60_000 },
    { ...lease, group: "strategy_executor", runner: "lambda-1", since: NOW - 1_000 },
  ],
  routers: [
    { ...router, consumer: "a", at: NOW - 1_000 },
    { ...router, consumer: "b", at: NOW - 500 },
    { ...router, consumer: "c", at: NOW - 40_000 },
  ],
  loops: [
    { stream: "signals_stream", group: "signal_processor", consumer: "b", at: NOW },
    { stream: "signals_stream", group: "signal_processor", consumer: "old", at: NOW - 2_000 },
    { stream: "signals_stream", group: "signal_processor", consumer: "gone", at: NOW - 20_000 },
    { stream: "signals_stream", group: "signal_processor", consumer: "tick", at: NOW, everyMs: 60_000 },
  ],
  now: NOW,
};

test("every router is listed with what it holds or waits for, and what reads or holds without being a router", () => {
  const { routers, without_holder } = routersView(status);
  expect(without_holder).toEqual([]);
  expect(routers.map(({ name, state, silent_ms }) => [name, state, silent_ms])).toEqual([
    ["b", "running", 500],
    ["lambda-1", "on_demand", null],
    ["a", "running", 1_000],
    ["c", "silent", 40_000],
    ["old", "older_version", null],
  ]);
  const [b, lambda, a, c, old] = routers;
  expect(b?.holds).toEqual([{ group: "signal_processor", since: new Date(NOW - 60_000).toISOString() }]);
  expect(lambda?.holds).toMatchObject([{ group: "strategy_executor" }]);
  expect([b, a, c].map((one) => one?.standby_for)).toEqual([[], ["signal_processor"], []]);
  expect(old?.functions).toEqual(["process-signals"]);
});

test("a group whose lease ran out has no holder", () => {
  const [first, second] = status.holders;
  if (first === undefined || second === undefined) throw new Error("there are two");
  const holders = [{ ...first, status: "expired" as const }, second];
  const view = routersView({ ...status, holders });
  expect(view.without_holder).toEqual(["signal_processor"]);
  expect(view.routers.find(({ name }) => name === "b")?.holds).toEqual([]);
});

test("the table says in words what each router does", () => {
  const { routers } = routersView(status);
  const lines = routersTable(routers, { columns: undefined, now: new Date(NOW) }).split("\n");
  expect(lines[0]).toMatch(/^router +state +holds, since \(UTC\) +started +host, pid +functions$/);
  expect(lines[1]).toMatch(/^b +running +signal_processor \d\d:\d\d:\d\d .*box 7 +process-signals trim$/);
  expect(lines[2]).toMatch(/^lambda-1 +a call on demand +strategy_executor/);
  expect(lines[3]).toMatch(/^a +running +standby for signal_processor/);
  expect(lines[4]).toMatch(/^c +silent for 40 s/);
  expect(lines[5]).toMatch(/^old +older version, reads without holding/);
});
