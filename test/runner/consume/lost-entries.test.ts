import type { ServerResponse } from "node:http";
import { expect, test, vi } from "vitest";
import { rowsWithStrategies, signalFields, strategyRow } from "../../builders.ts";
import { useReceivers } from "../../servers/http-receiver.ts";
import { insertReference } from "../../servers/insert-reference.ts";
import { fieldsIn } from "../../servers/redis-contents.ts";
import { useRouters } from "../../servers/router-fixture.ts";

const routers = useRouters();
const receiver = useReceivers();
const WAIT = { timeout: 30_000, interval: 50 };

async function publish(from: number, to: number): Promise<void> {
  const bar_time = new Date().toISOString();
  for (let i = from; i < to; i += 1) await routers.publish(signalFields({ bar_time, uid: `u${i}` }));
}

/** Waits until so many entries are in flight, then removes their consumers, as an operator's slip would. */
async function dropInFlight(
  stream: "signals_stream" | "strategy_input_stream",
  count: number,
): Promise<void> {
  const key = routers.keys.stream(stream);
  const group = stream === "signals_stream" ? "signal_processor" : "strategy_executor";
  await vi.waitFor(async () => expect((await routers.redis.xpending(key, group))[0]).toBe(count), WAIT);
  const consumers = (await routers.redis.xinfo("CONSUMERS", key, group)) as unknown[][];
  for (const facts of consumers)
    await routers.redis.xgroup("DELCONSUMER", key, group, String(facts[facts.indexOf("name") + 1]));
}

const letters = async () => fieldsIn(routers.redis, routers.keys.stream("dead_letters"));
const records = async () => fieldsIn(routers.redis, routers.keys.stream("signal_results"));
const events = async (level: string) =>
  (await fieldsIn(routers.redis, routers.keys.stream("system_events"))).filter(
    (event) => event["level"] === level,
  );

test("signals in flight whose consumer is removed are dead letters with their fields; the others are decided", async () => {
  await insertReference(routers.databaseUrl, rowsWithStrategies([strategyRow(10)]));
  // Nothing can be committed while the counters are not a hash.
  await routers.redis.set(routers.keys.metrics, "not a hash");
  await publish(0, 100);
  await routers.start();
  await dropInFlight("signals_stream", 100);
  await publish(100, 150);
  await routers.redis.del(routers.keys.metrics);
  await vi.waitFor(async () => expect(await letters()).toHaveLength(100), WAIT);
  const uids = (await letters()).map((letter) => String(JSON.parse(letter["fields"] ?? "{}").uid));
  expect(uids.toSorted()).toEqual(Array.from({ length: 100 }, (_, i) => `u${i}`).toSorted());
  expect((await letters())[0]).toMatchObject({
    stream: "signals_stream",
    function: "process-signals",
    reason: "entry_lost",
    error: expect.stringMatching(/not decided when signal_processor no longer had it pending.*DELCONSUMER/),
  });
  await vi.waitFor(async () => expect(await records()).toHaveLength(50), WAIT);
  expect((await events("ERROR")).filter((event) => event["message"]?.includes("entry_lost"))).toHaveLength(
    100,
  );
});

test("a task that was run has its outcome although its consumer was removed; one that was not is a dead letter", async () => {
  const held: ServerResponse[] = [];
  const { url } = await receiver((response) => held.push(response));
  const params = { url: `${url}/orders` };
  await insertReference(
    routers.databaseUrl,
    rowsWithStrategies([strategyRow(10, { name: "Trend", handler: "webhook", params })]),
  );
  routers.env["FUNCTIONS"] = "process-signals,execute-strategies,persist-log,refresh-reference,reclaim,trim";
  routers.env["STRATEGY_PRIVATE_ADDRESSES"] = "true";
  await routers.start();
  await publish(0, 2);
  await vi.waitFor(() => expect(held).toHaveLength(1), WAIT);
  await dropInFlight("strategy_input_stream", 2);
  held[0]?.end("ok");
  await vi.waitFor(async () => expect(await letters()).toHaveLength(1), WAIT);
  expect(held).toHaveLength(1);
  expect((await letters())[0]).toMatchObject({
    stream: "strategy_input_stream",
    function: "execute-strategies",
    reason: "entry_lost",
  });
  const outcomes = async () =>
    (await records())
      .filter(({ kind }) => kind === "outcome")
      .map(({ data = "{}" }) => JSON.parse(data) as Record<string, unknown>)
      .toSorted((a, b) => String(a["status"]).localeCompare(String(b["status"])));
  await vi.waitFor(
    async () =>
      expect(await outcomes()).toMatchObject([
        { strategy_id: 10, status: "executed", attempt: 1 },
        { strategy_id: 10, status: "failed", reason: "entry_lost", attempt: 0 },
      ]),
    WAIT,
  );
  expect((await events("ERROR")).map((event) => event["message"])).toContainEqual(
    expect.stringMatching(/was run, but strategy_executor no longer had it pending/),
  );
});

test("a router that is stopped checks at once what it has lost", async () => {
  await insertReference(routers.databaseUrl, rowsWithStrategies([strategyRow(10)]));
  await routers.redis.set(routers.keys.metrics, "not a hash");
  routers.env["CLAIM_IDLE_MS"] = "600000";
  const router = await routers.start();
  await publish(0, 3);
  await dropInFlight("signals_stream", 3);
  await routers.redis.del(routers.keys.metrics);
  // Its log says so when the commit has found them dropped.
  await vi.waitFor(() => expect(router.output()).toContain("were no longer pending"), WAIT);
  router.signal("SIGTERM");
  expect(await router.ended()).toBe(0);
  expect(await letters()).toHaveLength(3);
});
