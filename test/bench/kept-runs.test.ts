import { expect, test } from "vitest";
import { keptRuns } from "./kept-runs.ts";
import type { Backlog } from "./route-backlog.ts";

const backlogOf = (seconds: number): Backlog => ({
  startedAt: 0,
  endedAt: seconds * 1000,
  seconds,
  signals: 1,
  tasks: 4,
  redis: { commandsUs: 1, mainThreadUs: 1, commands: 1 },
  routerMbMax: undefined,
});

test("a run that fails keeps its message, and the other runs keep their results", async () => {
  const runs = keptRuns();
  await runs.take("base", async () => backlogOf(1));
  await runs.take("4 routers", async () => {
    throw new Error("99 tasks, not 100");
  });
  await runs.take("base", async () => backlogOf(2));
  expect(runs.of("base")).toEqual([backlogOf(1), backlogOf(2)]);
  expect(runs.of("4 routers")).toEqual([]);
  expect(runs.all().map(({ name }) => name)).toEqual(["base", "base"]);
  expect(runs.failures()).toEqual(["4 routers: 99 tasks, not 100"]);
});
