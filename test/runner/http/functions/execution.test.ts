import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { previewTasks } from "../../../../runner/on-demand/preview-tasks.ts";
import { defineStrategy } from "../../../../shared/strategy.ts";
import { parseTask } from "../../../../shared/task.ts";
import { rowsWithStrategies, signalFields, strategyRow, taskFields } from "../../../builders.ts";
import { useHttpApp } from "../http-fixture.ts";

const http = useHttpApp({ settings: { STRATEGY_PRIVATE_ADDRESSES: "true" } });

let receiver: Server | undefined;
afterEach(() => receiver?.close());

/** A receiver that accepts every delivery, and the idempotency keys it received. */
async function receive(): Promise<{ url: string; keys: string[] }> {
  const keys: string[] = [];
  receiver = createServer((request, response) => {
    keys.push(String(request.headers["idempotency-key"]));
    request.resume().on("end", () => response.end("ok"));
  }).listen(0, "127.0.0.1");
  await once(receiver, "listening");
  return { url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`, keys };
}

const outcomes = async () =>
  (await http.fieldsIn("signal_results"))
    .filter(({ kind }) => kind === "outcome")
    .map(({ invocation, data }) => ({ invocation, ...(JSON.parse(data ?? "") as Record<string, unknown>) }));

function posted(): Record<string, unknown> {
  const now = Date.now();
  return { id: `${now}-1`, fields: taskFields(now) };
}

describe("execute-strategies over HTTP", () => {
  test("runs posted tasks as an invocation of its own, and a repeated call runs nothing again", async () => {
    const { url, keys } = await receive();
    await http.setReference(rowsWithStrategies([strategyRow(10, { handler: "webhook", params: { url } })]));
    const body = { invocation: "again", entries: [posted()] };
    const first = await http.call("POST", "/functions/execute-strategies", body);
    expect(first).toMatchObject({
      status: 200,
      body: { results: [{ status: "committed", outcome: "applied" }] },
    });
    const second = await http.call("POST", "/functions/execute-strategies", body);
    expect(second).toMatchObject({
      status: 200,
      body: { results: [{ status: "committed", outcome: "fenced" }] },
    });
    expect(keys).toHaveLength(1);
    expect(await outcomes()).toMatchObject([{ invocation: "again", strategy_id: 10, status: "executed" }]);
  });

  test("as a dry run answers which tasks would be run, and runs none", async () => {
    await http.setReference(rowsWithStrategies([strategyRow(10, { handler: "no-such-handler" })]));
    const { status, body } = await http.call("POST", "/functions/execute-strategies?dryRun=true", {
      entries: [posted()],
    });
    expect({ status, results: body.results }).toMatchObject({
      status: 200,
      results: [{ status: "done", reason: "unknown_handler" }],
    });
    expect(await outcomes()).toEqual([]);
  });

  test("is polled like the others: routed tasks are run, and none is left pending", async () => {
    await http.publish(signalFields({ bar_time: new Date().toISOString() }));
    await http.call("POST", "/functions/process-signals/poll");
    // A new group begins at the end of a stream that holds tasks.
    await http.services.redis.del(http.services.keys.stream("strategy_input_stream"));
    await http.call("POST", "/functions/execute-strategies/poll");
    await http.publish(signalFields({ bar_time: new Date().toISOString(), uid: "b" }));
    await http.call("POST", "/functions/process-signals/poll");
    const { status, body } = await http.call("POST", "/functions/execute-strategies/poll");
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { read: 1, committed: 1, left: 0, empty: true },
    });
    expect(await outcomes()).toMatchObject([{ invocation: "live", status: "executed", attempt: 1 }]);
  });

  test("counts the age of a forced task from its replay, and ignores an old one", async () => {
    await http.publish(signalFields({ sent_at: "2025-01-15T11:59:59Z" }));
    await http.call("POST", "/functions/process-signals/poll");
    await http.call("POST", "/functions/execute-strategies/poll");
    const forced = { from: "2020-01-01T00:00:00Z", mode: "force", by: "ann", reason: "test" };
    expect(await http.call("POST", "/replays", forced)).toMatchObject({ status: 200 });
    await http.call("POST", "/functions/execute-strategies/poll");
    const old = posted();
    const fields = { ...(old["fields"] as object), sent_at: "2025-01-15T11:59:59Z" };
    await http.call("POST", "/functions/execute-strategies", { entries: [{ ...old, fields }] });
    expect(await outcomes()).toMatchObject([{ status: "executed" }, { status: "ignored", reason: "stale" }]);
  });
});

test("a dry run of many tasks lets other work of the process in between", async () => {
  const { services } = http;
  await http.setReference(rowsWithStrategies([strategyRow(10, { handler: "counting" })]));
  const context = await services.routing.latest();
  if ("status" in context) throw new Error(context.status);
  let plans = 0;
  const counting = defineStrategy({
    name: "counting",
    params: z.object({}),
    plan() {
      plans += 1;
      return { status: "executed", reason: "done" };
    },
  });
  const tasks = Array.from({ length: 100 }, (_, at) => {
    const parsed = parseTask({ id: `1-${at + 1}`, fields: taskFields(Date.now(), { strategy_id: "10" }) });
    if (!parsed.ok) throw new Error(parsed.error);
    return parsed.task;
  });
  let [last, mostAtOnce] = [0, 0];
  const progress = { isOver: false };
  const previews = previewTasks(tasks, context, { ...services, handlers: [counting] }).finally(() => {
    progress.isOver = true;
  });
  while (!progress.isOver) {
    mostAtOnce = Math.max(mostAtOnce, plans - last);
    last = plans;
    await nextTurn();
  }
  expect((await previews).map(({ would }) => would?.outcome?.reason)).toEqual(
    Array.from({ length: 100 }, () => "done"),
  );
  expect(mostAtOnce).toBeLessThanOrEqual(2 * 16);
});
