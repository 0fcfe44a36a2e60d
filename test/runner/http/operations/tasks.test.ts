import { expect, test, vi } from "vitest";
import { attemptWaitMs } from "../../../../shared/attempt-wait.ts";
import { rowsWithStrategies, signalFields, strategyRow, taskFields } from "../../../builders.ts";
import { useReceivers } from "../../../servers/http-receiver.ts";
import { useHttpApp } from "../http-fixture.ts";

const http = useHttpApp({ settings: { STRATEGY_PRIVATE_ADDRESSES: "true" } });
const receive = useReceivers();

const tasks = async (query = "") => (await http.call("GET", `/tasks${query}`)).body;

test("a task between two attempts is shown with its error and its next try, also for its entry, until it is done", async () => {
  const receiver = await receive((response, _, nth) => {
    response.statusCode = nth === 1 ? 503 : 200;
    response.end();
  });
  const row = strategyRow(10, { name: "Trend", handler: "webhook", params: { url: receiver.url } });
  await http.setReference(rowsWithStrategies([row]));
  await http.call("POST", "/functions/execute-strategies/poll");
  const entryId = await http.publish(signalFields({ bar_time: new Date().toISOString() }));
  await http.call("POST", "/functions/process-signals/poll");
  const running = http.call("POST", "/functions/execute-strategies/poll?budgetMs=10000");
  const [task] = await vi.waitFor(
    async () => {
      const { tasks: found } = await tasks("?state=between_attempts&strategy=Trend");
      expect(found).toHaveLength(1);
      return found;
    },
    { timeout: 5_000, interval: 20 },
  );
  expect(task).toMatchObject({
    entry_id: entryId,
    strategy_id: 10,
    strategy: "Trend",
    attempt: 1,
    attempts_max: 5,
    last_error: `127.0.0.1:${receiver.port} answered 503`,
    why: expect.stringMatching(/^attempt 1 failed; attempt 2 of 5 /),
  });
  const { body: entry } = await http.call("GET", `/entries/${entryId}`);
  expect(entry.tasks_in_flight).toMatchObject([{ id: task.id, next_try_at: task.next_try_at }]);
  expect(await running).toMatchObject({ body: { committed: 1 } });
  const timeOf = async (kind: string): Promise<number> => {
    const record = (await http.fieldsIn("signal_results")).find((fields) => fields["kind"] === kind);
    return Date.parse((JSON.parse(record?.["data"] ?? "{}") as { at: string }).at);
  };
  const nextTryAt = Date.parse(task.next_try_at);
  expect(nextTryAt).toBe((await timeOf("attempt")) + attemptWaitMs(task.id, 1));
  // Both times are estimates of Redis' clock.
  expect(await timeOf("outcome")).toBeGreaterThan(nextTryAt - 100);
  expect(await tasks()).toEqual({ tasks: [], next: null, undelivered: 0 });
});

test("tasks of a consumer without a heartbeat are left; those that are not read are counted; an attempt is found in the log", async () => {
  const { redis, keys } = http.services;
  const stream = keys.stream("strategy_input_stream");
  await redis.xgroup("CREATE", stream, "strategy_executor", "$", "MKSTREAM");
  const fields = taskFields(Date.now());
  for (let n = 0; n < 3; n += 1) await redis.xadd(stream, "*", ...Object.entries(fields).flat());
  await redis.xreadgroup("GROUP", "strategy_executor", "dead", "COUNT", 2, "STREAMS", stream, ">");
  const first = await tasks("?limit=1");
  expect(first.next).toBe(first.tasks[0].id);
  expect(first).toMatchObject({ undelivered: 1, tasks: [{ state: "left", consumer: "dead", attempt: 1 }] });
  const [{ id }] = first.tasks;
  await redis.hset(
    keys.heartbeats,
    "strategy_input_stream strategy_executor dead",
    `${Date.now() + 60_000} 60000`,
  );
  await http.sql(
    `INSERT INTO signal_log_entries (shard, entry_id, invocation, strategy_id, stage, part, status, reason, detail, attempt, at)
    VALUES ($1, $2, 'live', 10, 'attempt', $3, 'failed', 'retryable_error', '{"error": "no answer"}', 1, now())`,
    [keys.shard, fields["entry_id"], `${id} 1`],
  );
  const all = await tasks();
  expect(all.tasks).toMatchObject([
    { id, state: "between_attempts", last_error: "no answer" },
    { state: "running", last_error: null, next_try_at: null },
  ]);
  expect(await tasks(`?after=${id}`)).toMatchObject({ tasks: [{ state: "running" }], next: null });
  const highest = "18446744073709551615-18446744073709551615";
  expect(await tasks(`?after=${highest}`)).toMatchObject({ tasks: [], next: null });
  expect(await http.call("GET", "/tasks?strategy=Trent")).toMatchObject({ status: 422 });
});

test("the routers that run are listed, with what holds a group on demand", async () => {
  const { holdings, consumer, redis, keys } = http.services;
  holdings.join();
  const held = await holdings.tryHold("signal_processor", { waitMsMax: 0 });
  if (held.status !== "held") throw new Error("it is free");
  await vi.waitFor(async () => expect(await redis.hexists(keys.routers, consumer)).toBe(1));
  const { body } = await http.call("GET", "/routers");
  expect(body).toMatchObject({
    routers: [
      {
        name: consumer,
        state: "running",
        pid: process.pid,
        holds: [{ group: "signal_processor" }],
        standby_for: ["strategy_executor"],
      },
    ],
    without_holder: ["strategy_executor"],
  });
  const { body: status } = await http.call("GET", "/status");
  expect(status.holders).toMatchObject([
    { group: "signal_processor", status: "held", runner: consumer },
    { group: "strategy_executor", status: "free", runner: null },
  ]);
  const { body: metrics } = await http.call("GET", "/metrics");
  expect(String(metrics)).toContain(`group_holder{group="signal_processor",consumer="${consumer}"} 1`);
  await holdings.close();
});
