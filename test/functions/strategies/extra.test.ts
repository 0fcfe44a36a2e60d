import { describe, expect, test } from "vitest";
import * as z from "zod";
import { stream } from "../../../functions/strategies/stream.ts";
import { webhook } from "../../../functions/strategies/webhook.ts";
import { extraNumber } from "../../../shared/extra-params.ts";
import { address, defineStrategy, outcomeOfStatus, type PostRequest } from "../../../shared/strategy.ts";
import { runStrategy } from "./run-strategy.ts";

/** A broker that takes the quantity from a param and the stop from what comes along. */
const broker = defineStrategy({
  name: "broker",
  params: z.strictObject({ url: address(), quantity: extraNumber() }),
  extra: z.object({ stop: z.string().regex(/^\d+(\.\d+)?$/, "expected a price") }),
  plan({ signal, params, idempotencyKey }) {
    const order = { id: idempotencyKey, quantity: params.quantity, stop: signal.extra.stop };
    const post = { url: params.url, headers: {}, body: JSON.stringify(order), timeoutMs: 1_000 };
    return { post, outcome: ({ status }) => outcomeOfStatus(status, "broker") };
  },
});
const PARAMS = { url: "https://broker.test/orders", quantity: "{{extra.qty}}" };

async function posted(
  handler: typeof broker,
  params: Record<string, unknown>,
  signal: Record<string, string>,
) {
  const requests: PostRequest[] = [];
  const post = async (request: PostRequest) => {
    requests.push(request);
    return { status: 200, text: "" };
  };
  const { attempt, taskFields } = await runStrategy(handler, { params, signal, post });
  return { attempt, taskFields, bodies: requests.map(({ body }) => JSON.parse(body) as unknown) };
}

describe("what comes along with a signal reaches its strategies", () => {
  test("digit by digit: a param refers to it, and the handler's own schema checks it", async () => {
    const extra = { qty: "0.10", stop: "63900.50" };
    const { attempt, bodies, taskFields } = await posted(broker, PARAMS, extra);
    expect(attempt).toMatchObject({ status: "executed" });
    expect(bodies).toMatchObject([{ quantity: "0.10", stop: "63900.50" }]);
    expect(JSON.parse(taskFields["extra"] ?? "")).toMatchObject(extra);
  });

  test.each([
    [{ stop: "1" }, "extra.qty: expected a number such as 1.5, but it did not come along"],
    [{ qty: "1e3", stop: "1" }, 'extra.qty: expected a number such as 1.5, got "1e3"'],
    [{ qty: "1", stop: "1,5" }, 'extra.stop: expected a price, got "1,5"'],
    [{ qty: "1" }, "extra.stop: "],
  ])("%j fails for good, and nothing is sent", async (signal, error) => {
    const { attempt, bodies } = await posted(broker, PARAMS, signal);
    expect(attempt).toMatchObject({
      status: "failed",
      reason: "invalid_extra",
      detail: { error: expect.stringContaining(error) },
      durationMs: null,
    });
    expect(bodies).toEqual([]);
  });

  test("the handlers webhook and stream pass it on, and only if there is any", async () => {
    const url = { url: "https://broker.test/hook" };
    expect((await posted(webhook, url, { qty: "1.50" })).bodies).toMatchObject([
      { signal: { extra: { qty: "1.50" } } },
    ]);
    expect((await posted(webhook, url, {})).bodies).not.toMatchObject([{ signal: { extra: {} } }]);
    const { attempt } = await runStrategy(stream, { signal: { qty: "1.50" } });
    expect(attempt).toMatchObject({ append: { fields: { extra: '{"qty":"1.50"}' } } });
    expect((await runStrategy(stream)).attempt).not.toMatchObject({
      append: { fields: { extra: expect.anything() } },
    });
  });
});
