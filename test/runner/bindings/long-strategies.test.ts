import { setTimeout as pause } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import * as z from "zod";
import { allBindings } from "../../../runner/bindings/all-bindings.ts";
import { budgetOf } from "../../../runner/consume/budget.ts";
import { drain } from "../../../runner/consume/drain.ts";
import { maintenanceOf } from "../../../runner/jobs/maintenance.ts";
import { jobsOf } from "../../../runner/jobs/run-job.ts";
import { tickOf } from "../../../runner/jobs/tick.ts";
import type { Services } from "../../../runner/setup/services.ts";
import { outcomeRecordSchema } from "../../../shared/records.ts";
import { defineStrategy } from "../../../shared/strategy.ts";
import { rowsWithStrategies, signalFields, strategyRow, taskFields } from "../../builders.ts";
import { fieldsIn } from "../../servers/redis-contents.ts";
import { useHttpApp } from "../http/http-fixture.ts";

const http = useHttpApp({ rows: rowsWithStrategies([strategyRow(10, { handler: "test" })]) });

/** Services whose strategy does this. */
function servicesWith(act: () => Promise<unknown>): Services {
  const run = async () => {
    await act();
    return { status: "executed" } as const;
  };
  const handler = defineStrategy({ name: "test", params: z.object({}), run });
  return { ...http.services, handlers: [handler] };
}

const outcomes = async () =>
  (await fieldsIn(http.services.redis, http.services.keys.stream("signal_results")))
    .filter(({ kind }) => kind === "outcome")
    .map(({ data }) => outcomeRecordSchema.parse(JSON.parse(data ?? "")).status);

test("a run that was begun within the budget is finished and recorded, however long it outlasts it", async () => {
  const { redis, keys } = http.services;
  // A busy machine begins the run within it, too.
  const budgetMs = 1_500;
  // Longer than what is only to be committed gets.
  const services = servicesWith(async () => pause(budgetMs + 3_300));
  const binding = allBindings(services).find(({ functionName }) => functionName === "execute-strategies");
  if (binding === undefined) throw new Error("there is no such function");
  const fields = Object.entries(taskFields(Date.now())).flat();
  // Made by the first drain, the group would begin behind what is there.
  await redis.xgroup("CREATE", keys.stream("strategy_input_stream"), "strategy_executor", "0", "MKSTREAM");
  await redis.xadd(keys.stream("strategy_input_stream"), "*", ...fields);
  const budget = budgetOf(budgetMs);
  expect(await drain(binding, services, { budget })).toMatchObject({ read: 1, committed: 1 });
  expect(await outcomes()).toEqual(["executed"]);
}, 30_000);

test("a strategy that takes longer than its share of a tick holds up nobody's log", async () => {
  const logged = async () => http.sql("SELECT status FROM signal_log");
  const services = servicesWith(async () =>
    vi.waitFor(async () => expect(await logged()).toHaveLength(1), { timeout: 9_000, interval: 20 }),
  );
  const maintenance = maintenanceOf(services);
  const tick = tickOf({ services, maintenance, jobs: jobsOf(services, maintenance) });
  // Makes the groups.
  await tick(budgetOf(5_000));
  await http.publish(signalFields());
  const parts = await tick(budgetOf(2_000));
  expect(parts.filter(({ error }) => error !== undefined)).toEqual([]);
  expect(await logged()).toEqual([{ status: "dispatched" }]);
  expect(await outcomes()).toEqual(["executed"]);
}, 30_000);
