import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { webhook } from "../../../functions/strategies/webhook.ts";
import { RetryableError, type PostAnswer, type PostRequest } from "../../../shared/strategy.ts";
import { idempotencyKeyOf } from "../../../shared/task.ts";
import { runStrategy, type Ran, type RunOptions } from "./run-strategy.ts";

const URL_WITH_TOKEN = "https://broker.test/hooks/t0ken?key=abc";

/** Runs the handler with a receiver that gives this answer, and keeps what was posted. */
async function deliver(
  answer: Partial<PostAnswer>,
  options: RunOptions = {},
): Promise<Ran & { request: PostRequest }> {
  const requests: PostRequest[] = [];
  const ran = await runStrategy(webhook, {
    ...options,
    params: { url: URL_WITH_TOKEN, ...options.params },
    post: async (request) => {
      requests.push(request);
      return { status: 200, text: "", ...answer };
    },
  });
  const [request] = requests;
  if (request === undefined || requests.length > 1) throw new Error(`${requests.length} requests`);
  return { ...ran, request };
}

describe("a delivery", () => {
  test("has the signal, the strategy and the number of the attempt as JSON", async () => {
    const signal = { source: "tv", sent_at: "2025-01-15T11:59:58Z", received_at: "2025-01-15T11:59:59Z" };
    const { request, task } = await deliver({}, { signal, attempt: 3 });
    // Its own limit would be 5 s; it must be shorter than that of the run.
    expect(request).toMatchObject({ url: URL_WITH_TOKEN, timeoutMs: 4_000 });
    expect(request.headers).toEqual({
      "Content-Type": "application/json",
      "User-Agent": "signal-router",
      "Idempotency-Key": idempotencyKeyOf(task),
    });
    expect(JSON.parse(request.body)).toEqual({
      signal: {
        uid: task.uid,
        signal_id: 1,
        symbol: "BTCUSDT",
        direction: "long",
        bar_time: "2025-01-15T11:59:00.000Z",
        sent_at: "2025-01-15T11:59:58.000Z",
        received_at: "2025-01-15T11:59:59.000Z",
        source: "tv",
        entry_id: task.entryId,
        invocation: "live",
      },
      strategy: { id: 7, name: "Trend follower" },
      idempotency_key: idempotencyKeyOf(task),
      attempt: 3,
    });
  });

  test.each([
    ["SIGNAL_1_EXIT", null],
    ["SIGNAL_1_EXIT_LONG", "long"],
  ])("of the exit %s has direction `flat` and the side %s", async (message, side) => {
    const { request } = await deliver({}, { signal: { message } });
    const { signal } = JSON.parse(request.body) as { signal: object };
    expect(signal).toMatchObject({ direction: "flat", side });
  });

  test("without `sent_at` has null there", async () => {
    const { request } = await deliver({});
    expect(JSON.parse(request.body)).toMatchObject({ signal: { sent_at: null } });
  });

  test("has the headers and the time limit of its params", async () => {
    const { request } = await deliver({}, { params: { headers: { "X-Desk": "fx" }, timeout_ms: 800 } });
    expect(request).toMatchObject({ timeoutMs: 800, headers: { "X-Desk": "fx" } });
  });

  test("is signed with the secret it names, over the time and the exact body", async () => {
    const env = { STRATEGY_SECRET_BROKER_A: "the key of broker a" };
    const before = Math.floor(Date.now() / 1_000);
    const { request } = await deliver({}, { env, params: { secret: "BROKER_A" } });
    const timestamp = request.headers["X-Signature-Timestamp"] ?? "";
    expect(Number(timestamp)).toBeGreaterThanOrEqual(before);
    expect(Number(timestamp)).toBeLessThanOrEqual(Date.now() / 1_000);
    const hmac = createHmac("sha256", "the key of broker a").update(`${timestamp}.${request.body}`);
    expect(request.headers["X-Signature"]).toBe(`sha256=${hmac.digest("hex")}`);
    expect(JSON.stringify(request)).not.toContain("the key of broker a");
  });

  test("whose secret is not set is not sent", async () => {
    const { attempt } = await runStrategy(webhook, { params: { url: URL_WITH_TOKEN, secret: "BROKER_A" } });
    expect(attempt).toMatchObject({
      status: "failed",
      reason: "missing_secret",
      detail: { error: "the variable STRATEGY_SECRET_BROKER_A is not set" },
    });
  });
});

describe("what an answer means", () => {
  test.each([200, 201, 202, 204, 299])("%i is executed", async (status) => {
    const { attempt } = await deliver({ status, text: " order 17 \n" });
    expect(attempt).toMatchObject({ status: "executed", detail: { status, answer: "order 17" } });
  });

  test.each([408, 425, 429, 500, 502, 503, 504, 599])("%i is tried again", async (status) => {
    const { attempt } = await deliver({ status });
    expect(attempt).toMatchObject({ status: "again", error: `broker.test answered ${status}` });
  });

  test.each([300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 409, 410, 413, 422, 499])(
    "%i fails for good",
    async (status) => {
      const { attempt } = await deliver({ status, text: "no such account" });
      expect(attempt).toMatchObject({
        status: "failed",
        reason: `http_${status}`,
        detail: { status, answer: "no such account", error: `broker.test answered ${status}` },
      });
    },
  );

  test("no answer is tried again", async () => {
    const { attempt } = await runStrategy(webhook, {
      params: { url: URL_WITH_TOKEN },
      post: async () => Promise.reject(new RetryableError("no answer from broker.test")),
    });
    expect(attempt).toMatchObject({ status: "again", error: "no answer from broker.test" });
  });
});

describe("the record has of the answer", () => {
  test.each([
    ["nothing when it is empty", " \n", undefined],
    ["nothing when it is no text", "\u0000\u0001PNG", undefined],
    ["nothing when it is not UTF-8", "caf\uFFFD", undefined],
    ["200 bytes at most", "x".repeat(4_096), "x".repeat(200)],
    ["no path", "Cannot POST /hooks/t0ken, nor /hooks/t0ken?key=abc", "Cannot POST ***, nor ***"],
    ["no query", "bad key=abc", "bad ***"],
  ])("%s", async (_what, text, answer) => {
    const { attempt } = await deliver({ text });
    expect(attempt).toMatchObject({ status: "executed" });
    expect("detail" in attempt && attempt.detail["answer"]).toBe(answer);
  });

  test("no slash replaced where the URL has no path", async () => {
    const { attempt } = await deliver({ text: "a/b" }, { params: { url: "https://broker.test" } });
    expect(attempt).toMatchObject({ detail: { answer: "a/b" } });
  });

  test("no secret that it repeats", async () => {
    const env = { STRATEGY_SECRET_BROKER_A: "the key of broker a" };
    const { attempt } = await deliver(
      { text: "you said the key of broker a" },
      { env, params: { secret: "BROKER_A" } },
    );
    expect(attempt).toMatchObject({ detail: { answer: "you said ***" } });
  });
});

describe("with params that do not fit nothing is sent, and the reason repeats no value", () => {
  const url = "https://broker.test/t0ken";
  test.each([
    ["no URL", {}, "url"],
    ["not a URL", { url: "t0ken" }, "expected a URL"],
    ["another protocol", { url: "ftp://broker.test/t0ken" }, "expected a URL"],
    ["a user", { url: "https://t0ken@broker.test/" }, "no user or password"],
    ["a password", { url: "https://u:t0ken@broker.test/" }, "no user or password"],
    ["a secret in place of its name", { url, secret: "t0ken" }, "NAME of a variable"],
    ["a misspelt parameter", { url, timeout: 1 }, "timeout"],
    ["no time", { url, timeout_ms: 0 }, "timeout_ms"],
    ["half a millisecond", { url, timeout_ms: 0.5 }, "timeout_ms"],
    ["a header that is no text", { url, headers: { "X-A": 1 } }, "X-A"],
    ["a header in two lines", { url, headers: { "X-A": "t0ken\r\nX-B: 1" } }, "printable ASCII"],
    ["a name with a space", { url, headers: { "X A": "t0ken" } }, "name of a header"],
    ["a credential", { url, headers: { Authorization: "Bearer t0ken" } }, "no credentials"],
    ["a credential for a proxy", { url, headers: { "Proxy-Authorization": "t0ken" } }, "no credentials"],
    ...["Host", "content-length", "Transfer-Encoding", "Connection", "IDEMPOTENCY-KEY", "X-Signature"].map(
      (header) =>
        [`the header ${header}`, { url, headers: { [header]: "t0ken" } }, "sets itself"] as [
          string,
          Record<string, unknown>,
          string,
        ],
    ),
  ] as [string, Record<string, unknown>, string][])("%s", async (_what, params, because) => {
    const { attempt } = await runStrategy(webhook, { params });
    expect(attempt).toMatchObject({ status: "failed", reason: "invalid_params" });
    const { error } = "detail" in attempt ? attempt.detail : {};
    expect(error).toContain(because);
    expect(error).not.toContain("t0ken");
  });
});
