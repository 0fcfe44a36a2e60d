import { expect, test, vi } from "vitest";
import { rowsWithStrategies, signalFields } from "../../builders.ts";
import { byPace } from "../../long/pace.ts";
import { insertReference } from "../../servers/insert-reference.ts";
import { traced, useExecutingRouters } from "../bindings/executing-fixture.ts";
import { holderPid } from "./order.ts";

/** A holder that is killed with thousands of tasks in flight: only those that it had begun are run a second time. */

const { routers, start } = useExecutingRouters();

const STRATEGIES = 10;
const TASKS = byPace({ short: 500, full: 5_000 });
const AT_ONCE = 40;
/** So long that most tasks still wait when all of them are there. */
const TASK_MS = 250;
const until = { timeout: 120_000, interval: 100 };

test("of thousands of tasks in flight, none is run twice but those that the killed holder had begun", async () => {
  const strategies = Array.from({ length: STRATEGIES }, (_, n) => traced(101 + n, { ms: TASK_MS }));
  await insertReference(routers.databaseUrl, rowsWithStrategies(strategies));
  const env = {
    LEASE_MS: "1000",
    STRATEGY_CONCURRENCY_MAX: String(AT_ONCE),
    STRATEGY_CONCURRENCY_PER_STRATEGY_MAX: "4",
  };
  const pair = await Promise.all([1, 2].map(async () => start(env)));
  for (let n = 0; n < TASKS / STRATEGIES; n += 1) await routers.publish(signalFields({ uid: String(n) }));
  const tasks = async () => routers.redis.xlen(routers.keys.stream("strategy_input_stream"));
  await vi.waitFor(async () => expect(await tasks()).toBe(TASKS), until);
  const runs = async () => routers.redis.lrange(`${routers.keys.prefix}runs`, 0, -1);
  await vi.waitFor(async () => expect((await runs()).length).toBeGreaterThan(TASKS / 10), until);
  const pid = await holderPid(routers.redis, `${routers.keys.prefix}lease:strategy_executor`);
  const holder = pair.find((router) => router.pid === pid);
  expect(holder).toBeDefined();
  holder?.signal("SIGKILL");
  await holder?.ended();
  const before = (await runs()).length;
  const done = async () =>
    expect(new Set((await runs()).map((run) => run.split(" ").slice(0, 2).join(" "))).size).toBe(TASKS);
  await vi.waitFor(done, until);
  await vi.waitFor(async () => {
    const pending = await routers.redis.xpending(
      routers.keys.stream("strategy_input_stream"),
      "strategy_executor",
    );
    expect(pending[0]).toBe(0);
  }, until);
  const all = await runs();
  // What was begun before the kill may have no recorded end; nothing that was begun after it is repeated. An attempt that was counted
  // right before the kill, and did not run, makes the next one the second.
  const ran = all.map((run) => run.split(" ").slice(0, 2).join(" "));
  const twice = ran.filter((task, i) => ran.indexOf(task) < i);
  const begunBefore = new Set(ran.slice(0, before));
  expect(twice.filter((task) => !begunBefore.has(task))).toEqual([]);
  expect(twice.length).toBeLessThanOrEqual(AT_ONCE);
  expect(all).toHaveLength(TASKS + twice.length);
}, 300_000);
