import { describe, expect, test } from "vitest";
import type { Fields } from "../../shared/entry.ts";
import type { Append } from "../../shared/function.ts";
import { logRowsOf } from "../../shared/log-rows.ts";
import { PermanentError, RetryableError, type StrategyRun } from "../../shared/strategy.ts";
import { type Run, portsFrom, task, resultsOf, recordOf } from "./execute-strategies-fixture.ts";

describe("a run", () => {
  test("is given the signal, its params and what it is known by", async () => {
    let given: StrategyRun<Record<string, unknown>> | undefined;
    const run: Run = (input) => {
      given = input;
      return { status: "executed", detail: { order: 7 } };
    };
    const record = await recordOf({ run, strategy: { params: { size: 2 } } });
    expect(given).toMatchObject({
      signal: { uid: "u1", symbol: "BTCUSDT", direction: "long", invocation: "live" },
      strategy: { id: 10, name: "strategy 10" },
      params: { size: 2 },
      attempt: 1,
      idempotencyKey: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(record).toMatchObject({ status: "executed", reason: null, detail: { order: 7 }, attempt: 1 });
    expect(record.counted).toEqual(["execution:10:executed", expect.stringMatching(/^run_ms:10:le:/)]);
  });

  test.each<[string, Run, string, Record<string, unknown>]>([
    [
      "throws",
      () => {
        throw new Error("no");
      },
      "error",
      { error: "no" },
    ],
    [
      "refuses for good",
      () => {
        throw new PermanentError("no such account", "no_account");
      },
      "no_account",
      { error: "no such account" },
    ],
    [
      "throws something that is no error",
      () => {
        throw "no" as unknown as Error;
      },
      "error",
      { error: "no" },
    ],
    [
      "throws an error whose message is no text",
      () => {
        throw Object.assign(new Error("no"), { message: { code: 7 } });
      },
      "error",
      { error: "[object Object]" },
    ],
    [
      "refuses with something that is no reason",
      () => {
        throw new PermanentError("no", { code: 7 } as never);
      },
      "invalid_outcome",
      { error: expect.any(String) },
    ],
    ["answers nothing", () => undefined as never, "invalid_outcome", {}],
    [
      "adds something unusable",
      () => ({ status: "executed", append: { stream: "signals_stream", fields: {} } }) as never,
      "invalid_outcome",
      {},
    ],
    ["answers nonsense", () => ({ status: "done" }) as never, "invalid_outcome", {}],
    [
      "needs a secret that is not set",
      ({ secret }) => {
        secret("OTHER");
        return { status: "executed" };
      },
      "missing_secret",
      { error: "the variable STRATEGY_SECRET_OTHER is not set" },
    ],
  ])("that %s has failed", async (_, run, reason, detail) => {
    expect(await recordOf({ run })).toMatchObject({ status: "failed", reason, detail });
  });

  test("that takes too long has failed, and is told to end", async () => {
    let told: AbortSignal | undefined;
    const run: Run = async ({ abort }) => {
      told = abort;
      return new Promise(() => undefined);
    };
    expect(await recordOf({ run, ports: { timeoutMs: 20 } })).toMatchObject({
      status: "failed",
      reason: "timeout",
      detail: { timeout_ms: 20 },
    });
    expect(told?.aborted).toBe(true);
  });

  test("that fails for a while is tried again, up to its last attempt", async () => {
    const run: Run = ({ attempt }) => {
      if (attempt < 3) throw new RetryableError("busy");
      return { status: "executed" };
    };
    expect(await recordOf({ run })).toMatchObject({ status: "executed", attempt: 3 });
    const never: Run = () => {
      throw new RetryableError("busy");
    };
    const [result] = await resultsOf([task()], portsFrom({ run: never }));
    expect(result).toMatchObject({
      status: "dead",
      reason: "attempts_exhausted",
      error: "busy",
      deliveries: 3,
    });
    expect(await recordOf({ run: never })).toMatchObject({
      status: "failed",
      reason: "attempts_exhausted",
      attempt: 3,
    });
  });

  test.each([
    ["at once", true],
    ["with the outcome, when that failed", false],
  ])("has each attempt but the last published %s", async (_, isPublished) => {
    const published: Fields[] = [];
    const publishAttempt = async ({ fields }: Append) => {
      if (isPublished) published.push(fields);
      return isPublished;
    };
    const run: Run = ({ attempt }) => {
      if (attempt < 3) throw new RetryableError(`busy ${attempt} hush-hush`);
      return { status: "executed" };
    };
    const [result] = await resultsOf([task()], portsFrom({ run, ports: { publishAttempt } }));
    const appended = result?.status === "done" ? result.effects.append.map(({ fields }) => fields) : [];
    const records = [...published, ...appended];
    expect(appended.map(({ kind }) => kind)).toEqual(
      isPublished ? ["outcome"] : ["attempt", "attempt", "outcome"],
    );
    expect(records.map((fields) => logRowsOf({ id: "9-9", fields }, "signal_results"))).toMatchObject([
      {
        rows: {
          attempts: [
            { part: "1-1 1", record: { reason: "retryable_error", detail: { error: "busy 1 ***" } } },
          ],
        },
      },
      { rows: { attempts: [{ part: "1-1 2", record: { status: "failed", attempt: 2 } }] } },
      { rows: { outcomes: [{ record: { status: "executed", attempt: 3 } }] } },
    ]);
  });

  test("keeps secrets and what Postgres refuses out of its record", async () => {
    const run: Run = ({ secret }) => ({
      status: "ignored",
      reason: `no ${secret("BROKER")}`,
      detail: { "a\0": ["x hush-hush y", "\0", "\ud800"] },
    });
    expect(await recordOf({ run })).toMatchObject({
      status: "ignored",
      reason: "no ***",
      detail: { "a\uFFFD": ["x *** y", "\uFFFD", "\uFFFD"] },
    });
  });

  test.each<[string, Record<string, unknown>, unknown]>([
    ["too large", { a: "x".repeat(20_000) }, { cut: expect.stringContaining("xxx") }],
    ["no JSON", { a: 1n }, { unreadable: expect.stringContaining("BigInt") }],
  ])("whose detail is %s is recorded all the same", async (_, detail, expected) => {
    expect(await recordOf({ run: () => ({ status: "executed", detail }) })).toMatchObject({
      status: "executed",
      detail: expected,
    });
  });

  test("that adds to its own stream does so in one step with its outcome", async () => {
    const append = { stream: "strategies:s", fields: { a: "1" } } as const;
    const run: Run = () => ({ status: "executed", append });
    const [result] = await resultsOf([task()], portsFrom({ run }));
    expect(result).toMatchObject({
      status: "done",
      effects: { append: [append, { stream: "signal_results" }] },
    });
    const streamProblem = async () => "is a hash";
    expect(await recordOf({ run, ports: { streamProblem } })).toMatchObject({
      status: "failed",
      reason: "unusable_stream",
    });
  });

  test("by hand is recorded under its own invocation", async () => {
    expect(await recordOf({ ports: { invocation: "by-hand" } })).toMatchObject({ invocation: "by-hand" });
    expect(await recordOf({})).toMatchObject({ invocation: "live" });
  });
});
