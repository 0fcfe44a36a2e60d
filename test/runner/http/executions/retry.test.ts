import type { ServerResponse } from "node:http";
import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { retryExecution } from "../../../../runner/on-demand/retry-execution.ts";
import { pause, resume } from "../../../../shared/io/reference/control-store.ts";
import { ran } from "../../../shared/io/log/logged.ts";
import { FORCE } from "../replays/replay-requests.ts";
import { decideWaiting, freshSignal, OUTCOME_FIELDS } from "../router-steps.ts";
import { keyOf, useExecutions } from "./executions-fixture.ts";

const { http, ranOnce, setStrategy, runWaiting, log, retry, task } = useExecutions({ DELIVERIES_MAX: "1" });

/** Refuses the first request for good, and takes the others. */
const refusesOnce = (status: number) => (response: ServerResponse, nth: number) =>
  void (nth === 1 ? response.writeHead(status).end("no") : response.end("taken"));

describe("a task that failed", () => {
  test("is found, explained, run again with its key from a trimmed stream, once, and then no more", async () => {
    const { entry, receiver } = await ranOnce(refusesOnce(404));
    const { body: found } = await http.call("GET", "/executions?status=failed&strategy=Trend");
    expect(found).toMatchObject({ executions: [{ entry_id: entry, reason: "http_404", strategy: "Trend" }] });
    expect(await task(entry)).toMatchObject({ status: "failed", retry: { possible: true, why_not: null } });
    const { redis, keys } = http.services;
    await redis.xtrim(keys.stream("strategy_input_stream"), "MAXLEN", 0);

    const answers = await Promise.all([retry(entry), retry(entry, { strategy: 10, by: "bob" })]);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const refused = answers.find(({ status }) => status === 409)?.body;
    expect(refused).toMatchObject({ code: "already_retried", detail: expect.stringContaining("Trend (10)") });
    const { retry: id, idempotency_key } = answers.find(({ status }) => status === 200)?.body ?? {};
    await runWaiting();
    expect(await retry(entry)).toMatchObject({ status: 409 });
    await log();
    expect(receiver.deliveries.map(keyOf)).toEqual([idempotency_key, idempotency_key]);
    const [first, second] = receiver.deliveries.map(({ body }) => body);
    expect(first).toContain('"extra":{"stop_loss":"9.5","qty":"1","price":"10.0"}');
    expect(second).toBe(first);
    expect(await task(entry)).toMatchObject({
      status: "executed",
      idempotency_key,
      runs: [
        { status: "failed", retry: null },
        { status: "executed", attempt: 1, retry: { id, reason: "up again" } },
      ],
      running_retries: [],
      retry: { possible: false, why_not: expect.stringContaining("Trend (10) has executed it") },
    });
    expect((await retry(entry)).body).toMatchObject({ code: "already_done" });
    expect((await http.call("GET", "/executions?status=failed")).body.executions).toEqual([]);
    expect((await http.call("GET", "/executions")).body.executions).toMatchObject([
      { entry_id: entry, status: "executed", retry: id },
    ]);
    expect(await http.sql("SELECT id, kind, reason, counts FROM invocations")).toEqual([
      { id, kind: "retry", reason: "up again", counts: { dispatched: 1 } },
    ]);
    expect(JSON.stringify(await http.fieldsIn("system_events"))).toContain(`again, retry ${id} by`);
  });

  test("of a forced replay is run again as that replay's", async () => {
    const { entry, receiver } = await ranOnce((response, nth) =>
      nth === 2 ? void response.writeHead(404).end() : void response.end("taken"),
    );
    const { body } = await http.call("POST", "/replays", { ...FORCE, snapshot: "current" });
    const { invocation } = body.replay;
    await runWaiting();
    await log();
    expect((await retry(entry)).body).toMatchObject({ code: "already_done" });
    expect((await retry(entry, { invocation: "no-such-run" })).body).toMatchObject({
      code: "not_dispatched",
      hint: expect.stringContaining(invocation),
    });
    expect(await retry(entry, { invocation })).toMatchObject({ status: 200 });
    await runWaiting();
    const [live, forced, again] = receiver.deliveries.map(keyOf);
    expect(again).toBe(forced);
    expect(forced).not.toBe(live);
    const keys = async () =>
      (await http.call("GET", `/executions/${entry}`)).body.tasks.map(
        (one: Record<string, unknown>) => one["idempotency_key"],
      );
    expect(await keys()).toEqual([live, forced]);
    await http.sql("DELETE FROM invocations WHERE id = $1", [invocation]);
    expect(await keys()).toEqual([live, null]);
  });

  test("as a dead letter is retried once, from whichever command", async () => {
    const { entry, receiver } = await ranOnce(refusesOnce(503));
    const [letter] = (await task(entry)).dead_letters;
    expect(await task(entry)).toMatchObject({
      runs: [{ reason: "attempts_exhausted" }],
      retry: { possible: true, warning: expect.stringContaining("may have taken effect") },
    });
    const byLetter = http.call("POST", `/dead-letters/${letter}/retry`, {});
    const answers = await Promise.all([retry(entry), byLetter]);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(receiver.deliveries).toHaveLength(2);
    expect(new Set(receiver.deliveries.map(keyOf)).size).toBe(1);
    // Its outcome is in signal_results only: the log does not know it.
    const request = {
      entryId: entry,
      strategyId: 10,
      invocation: "live",
      allowStale: false,
      by: "ann",
      reason: "r",
    };
    const soon = { ...http.services, stopping: AbortSignal.timeout(200) };
    await expect(retryExecution(request, soon)).rejects.toMatchObject({ refusal: { code: "log_behind" } });
    await log();
    expect(await task(entry)).toMatchObject({ status: "executed", dead_letters: [] });
    expect((await retry(entry)).body).toMatchObject({ code: "already_done" });
    expect(receiver.deliveries).toHaveLength(2);
  });
});

test("a task that becomes a dead letter while a retry looks at it is retried as that, and is in the stream once", async () => {
  await ranOnce((response) => void response.end());
  const { redis, keys } = http.services;
  const entryId = await http.publish(freshSignal({ uid: "late" }));
  await decideWaiting(http.services);
  await log();
  await setStrategy({ params: { url: "http://127.0.0.1:1/closed" } });
  // After the dead letters were read: the task fails for good, and the log has it, before the log is read.
  const meanwhile = onFirst(redis, "xrevrange", async () => {
    await runWaiting();
    await log();
  });
  const request = { strategyId: 10, invocation: "live", allowStale: false, by: "ann", reason: "r" };
  const services = { ...http.services, redis: meanwhile };
  const retried = await retryExecution({ ...request, entryId }, services);
  expect(retried.deadLetter).toMatchObject({ status: "dead" });
  expect(await redis.xlen(keys.stream("strategy_input_stream"))).toBe(2);
});

/** The connection, except that `before` is done before the first call of this command. */
function onFirst(redis: Redis, command: string, before: () => Promise<void>): Redis {
  let isFirst = true;
  return new Proxy(redis, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== command || typeof value !== "function") return value;
      return async (...args: unknown[]): Promise<unknown> => {
        if (isFirst) {
          isFirst = false;
          await before();
        }
        return value.apply(redis, args) as Promise<unknown>;
      };
    },
  });
}

describe("a retry is refused, and nothing is put into the stream,", () => {
  test("while the strategy would not run the task as it is now: paused, archived, at fault, too old", async () => {
    const { entry, receiver } = await ranOnce(refusesOnce(404));
    const { redis, keys } = http.services;
    await pause(redis, keys, 10, { by: "ann", at: Date.now() });
    expect(await retry(entry)).toMatchObject({ status: 409, body: { detail: "Trend (10) is paused" } });
    await resume(redis, keys, 10);
    const refusals = [
      [{ archived: true }, "strategy_not_ready", "is archived"],
      [{ handler: "webhok" }, "strategy_not_ready", 'there is no handler "webhok"'],
      [{ allow_open: false }, "strategy_not_ready", "has neither allow_open nor reverse"],
      [{ signal_age_ms_max: 1 }, "stale_task", "runs nothing older than 0 s"],
    ] as const;
    for (const [changes, code, detail] of refusals) {
      await setStrategy(changes);
      expect((await retry(entry)).body).toMatchObject({ code, detail: expect.stringContaining(detail) });
    }
    await setStrategy({ signal_age_ms_max: 60_000 });
    await http.sql("UPDATE signal_log SET sent_at = now() - interval '1 hour', raw = raw - 'sent_at'");
    expect((await retry(entry)).body).toMatchObject({ code: "stale_task" });
    expect(await http.sql("SELECT FROM invocations")).toEqual([]);
    expect(await retry(entry, { allow_stale: true })).toMatchObject({ status: 200 });
    await runWaiting();
    await log();
    expect(await task(entry)).toMatchObject({ status: "executed" });
    expect(receiver.deliveries).toHaveLength(2);
  });

  test("of a task that has not ended, and of what no task was made", async () => {
    await ranOnce((response) => void response.end());
    const entry = await http.publish(freshSignal({ uid: "other" }));
    await decideWaiting(http.services);
    await log();
    expect((await retry(entry)).body).toMatchObject({ code: "not_ended" });
    // A consumer has it, between two attempts say, when its receiver reports that the first one came to nothing.
    const { redis, keys } = http.services;
    const tasks = keys.stream("strategy_input_stream");
    await redis.xreadgroup("GROUP", keys.group("strategy_executor"), "other", "STREAMS", tasks, ">");
    const failed = { ...ran(entry, { status: "failed", reason: "rejected" }).record };
    const fields = { ...OUTCOME_FIELDS, entry_id: entry, data: JSON.stringify(failed) };
    await redis.xadd(keys.stream("signal_results"), "*", ...Object.entries(fields).flat());
    await log();
    expect(await task(entry)).toMatchObject({ status: "failed" });
    const before = await redis.xlen(tasks);
    expect((await retry(entry)).body).toMatchObject({
      code: "not_ended",
      detail: expect.stringMatching(/^Trend \(10\) has not ended it: task [\d-]+ is pending$/),
    });
    expect(await redis.xlen(tasks)).toBe(before);
    const ignored = await http.publish(freshSignal({ uid: "old", sent_at: "2020-01-01T00:00:00Z" }));
    await decideWaiting(http.services);
    await log();
    expect((await retry(ignored)).body).toMatchObject({
      code: "not_dispatched",
      detail: expect.stringContaining("ignored (stale)"),
    });
    expect(await http.call("GET", "/executions/5-5")).toMatchObject({ status: 404 });
    expect((await retry("5-5")).body).toMatchObject({ code: "not_dispatched" });
    expect((await retry(entry, { invocation: "a\u0000b" })).body).toMatchObject({ code: "not_dispatched" });
    expect(await retry(entry, { strategy: "Trent" })).toMatchObject({
      status: 422,
      body: { issues: [{ path: "strategy", message: expect.stringContaining('the closest is "Trend"') }] },
    });
    expect(await http.call("GET", "/executions?cursor=x")).toMatchObject({ status: 422 });
  });
});
