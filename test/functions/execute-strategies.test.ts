import { describe, expect, test } from "vitest";
import * as z from "zod";
import { executeStrategies, type ExecutePorts } from "../../functions/execute-strategies.ts";
import { openLanes } from "../../runner/bindings/ordered-lanes.ts";
import type { Entry } from "../../shared/entry.ts";
import type { Result, Unavailable } from "../../shared/function.ts";
import { outcomeRecordSchema } from "../../shared/records.ts";
import {
  defineStrategy,
  PermanentError,
  RetryableError,
  type StrategyOutcome,
  type StrategyRun,
} from "../../shared/strategy.ts";
import { NOW, rowsWithStrategies, snapshotFrom, strategyRow, type Paused, taskFields } from "../builders.ts";

type Run = (run: StrategyRun<Record<string, unknown>>) => Promise<StrategyOutcome> | StrategyOutcome;

interface Setting {
  readonly run?: Run;
  readonly strategy?: Parameters<typeof strategyRow>[1];
  readonly paused?: Paused;
  readonly ports?: Partial<ExecutePorts>;
}

/** Ports of a process that holds every task; each claim is one more attempt. */
function portsFrom({
  run = () => ({ status: "executed" }),
  strategy = {},
  paused = new Set(),
  ports,
}: Setting): ExecutePorts {
  const handler = defineStrategy({ name: "test", params: z.record(z.string(), z.unknown()), run });
  const rows = rowsWithStrategies([
    strategyRow(10, { handler: "test", ...strategy }),
    strategyRow(11, { handler: "test" }),
  ]);
  const pausedStrategies = new Set([...paused].filter((id) => id !== "*"));
  const control = { epoch: "0", allPaused: paused.has("*"), pausedStrategies };
  const never = new AbortController().signal;
  const attempts = new Map<string, number>();
  return {
    handlers: [handler],
    lanes: openLanes({ concurrencyMax: 10, concurrencyPerStrategyMax: 5, closing: never }),
    async claimAttempt(id) {
      const attempt = (attempts.get(id) ?? 0) + 1;
      attempts.set(id, attempt);
      const context = { snapshot: snapshotFrom(rows), control, now: NOW, signalAgeMsMax: 300_000 };
      return { status: "held", attempt, context };
    },
    pause: async () => true,
    streamProblem: async () => undefined,
    now: () => NOW,
    attemptsMax: 3,
    stopping: never,
    abort: never,
    timeoutMs: 5_000,
    post: async () => ({ status: 200, text: "" }),
    secretOf: (name) => (name === "BROKER" ? "hush-hush" : undefined),
    redact: (text) => text.replaceAll("hush-hush", "***"),
    log: () => undefined,
    ...ports,
  };
}

function task(id = "1-1", changes: Readonly<Record<string, string>> = {}): Entry {
  return { id, fields: taskFields(NOW - 1_000, changes) };
}

async function resultsOf(entries: readonly Entry[], ports: ExecutePorts): Promise<(Result | Unavailable)[]> {
  const all: (Result | Unavailable)[] = [];
  for await (const answer of executeStrategies(entries, ports)) {
    if ("status" in answer) all.push(answer);
    else all.push(...answer);
  }
  return all;
}

/** The record the only task ends with. */
async function recordOf(setting: Setting, changes: Readonly<Record<string, string>> = {}) {
  const [result] = await resultsOf([task("1-1", changes)], portsFrom(setting));
  const branch =
    result?.status === "done" ? result.effects : result?.status === "dead" ? result.also : undefined;
  const published = branch?.append.find(({ stream }) => stream === "signal_results");
  if (published === undefined) throw new Error(`no outcome: ${JSON.stringify(result)}`);
  const { kind, entry_id, invocation, data } = published.fields;
  expect({ kind, entry_id }).toEqual({ kind: "outcome", entry_id: `${NOW - 1_000}-0` });
  return { invocation, counted: branch?.count, ...outcomeRecordSchema.parse(JSON.parse(data ?? "")) };
}

describe("a task that may no longer be run", () => {
  test.each<[string, Setting, Readonly<Record<string, string>>, string]>([
    ["whose strategy is gone", {}, { strategy_id: "99" }, "unknown_strategy"],
    ["whose strategy was disabled", { strategy: { enabled: false } }, {}, "strategy_disabled"],
    ["whose strategy was archived", { strategy: { archived: true } }, {}, "strategy_archived"],
    ["whose strategy only watches now", { strategy: { shadow: true } }, {}, "shadow"],
    ["whose strategy was paused", { paused: new Set([10]) }, {}, "paused"],
    ["while everything is paused", { paused: new Set(["*" as const]) }, {}, "paused"],
    ["that is too old", {}, { sent_at: new Date(NOW - 300_001).toISOString() }, "stale"],
    ["that is too old for its strategy", { strategy: { signal_age_ms_max: 500 } }, {}, "stale"],
  ])("%s is ignored, and its handler is not called", async (_, setting, changes, reason) => {
    let runs = 0;
    const run: Run = () => {
      runs += 1;
      return { status: "executed" };
    };
    expect(await recordOf({ ...setting, run }, changes)).toMatchObject({
      status: "ignored",
      reason,
      attempt: 1,
      duration_ms: null,
    });
    expect(runs).toBe(0);
  });

  test("says its age", async () => {
    const record = await recordOf({ strategy: { signal_age_ms_max: 500 } });
    expect(record.detail).toEqual({ age_ms: 1_000, age_ms_max: 500 });
  });

  test("is not too old when its replay was forced just now", async () => {
    const changes = {
      sent_at: new Date(NOW - 900_000).toISOString(),
      forced_at: new Date(NOW - 10).toISOString(),
    };
    expect(await recordOf({}, changes)).toMatchObject({ status: "executed" });
  });
});

test("a task is not started when the process stopped while it was claimed", async () => {
  const stop = new AbortController();
  const setting = portsFrom({});
  let runs = 0;
  const run: Run = () => {
    runs += 1;
    return { status: "executed" };
  };
  const claimAttempt: ExecutePorts["claimAttempt"] = async (id) => {
    stop.abort();
    return setting.claimAttempt(id);
  };
  const results = await resultsOf(
    [task()],
    portsFrom({ run, ports: { claimAttempt, stopping: stop.signal } }),
  );
  expect(results).toMatchObject([{ status: "retry", expected: true }]);
  expect(runs).toBe(0);
});

test("no further task is started when the caller no longer reads the results", async () => {
  const runs: string[] = [];
  const run: Run = async ({ signal }) => {
    runs.push(signal.entryId);
    return { status: "executed" };
  };
  const ports = portsFrom({ run });
  const sentAt = new Date(NOW - 1_000).toISOString();
  const [first, second, third, later] = ["1-1", "1-2", "1-3", "1-4"].map((id) =>
    task(id, { entry_id: id, sent_at: sentAt }),
  ) as [Entry, Entry, Entry, Entry];
  for await (const answer of executeStrategies([first, second, third], ports)) {
    expect(answer).toMatchObject([{ id: "1-1" }]);
    break;
  }
  // Comes behind them in their lane.
  await resultsOf([later], ports);
  expect(runs).toEqual(["1-1", "1-4"]);
});

describe("a run", () => {
  test("is given the signal, its params and its idempotency key", async () => {
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
    ["returns nothing", () => undefined as never, "invalid_outcome", {}],
    [
      "adds something unusable",
      () => ({ status: "executed", append: { stream: "signals_stream", fields: {} } }) as never,
      "invalid_outcome",
      {},
    ],
    ["returns nonsense", () => ({ status: "done" }) as never, "invalid_outcome", {}],
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

  test("that takes too long has failed, and is aborted", async () => {
    let given: AbortSignal | undefined;
    const run: Run = async ({ abort }) => {
      given = abort;
      return new Promise(() => undefined);
    };
    expect(await recordOf({ run, ports: { timeoutMs: 20 } })).toMatchObject({
      status: "failed",
      reason: "timeout",
      detail: { timeout_ms: 20 },
    });
    expect(given?.aborted).toBe(true);
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

  test("on demand is recorded under its own invocation", async () => {
    expect(await recordOf({ ports: { invocation: "on-demand" } })).toMatchObject({ invocation: "on-demand" });
    expect(await recordOf({})).toMatchObject({ invocation: "live" });
  });
});

describe("a strategy that cannot be run", () => {
  test.each([
    ["whose handler is not known", { handler: "unknown" }, "unknown_handler"],
    ["whose params do not fit", { handler: "strict", params: { a: "s3cret-value" } }, "invalid_params"],
  ])("%s fails with that reason, and no value of its params", async (_, strategy, reason) => {
    const strict = defineStrategy({
      name: "strict",
      params: z.strictObject({}),
      run: () => ({ status: "executed" }),
    });
    const record = await recordOf({ strategy, ports: { handlers: [strict] } });
    expect(record).toMatchObject({ status: "failed", reason });
    expect(JSON.stringify(record)).not.toContain("s3cret-value");
  });
});

describe("a batch", () => {
  test("is answered task by task: a task that hangs does not delay the others", async () => {
    const seen: string[] = [];
    let letGo = (): void => undefined;
    const run: Run = async ({ strategy }) => {
      if (strategy.id === 10) await new Promise<void>((resolve) => (letGo = resolve));
      return { status: "executed" };
    };
    const entries = [task("1-1"), task("1-2", { strategy_id: "11" })];
    for await (const answer of executeStrategies(entries, portsFrom({ run }))) {
      if ("status" in answer) continue;
      seen.push(...answer.map(({ id }) => id));
      letGo();
    }
    expect(seen).toEqual(["1-2", "1-1"]);
  });

  test("keeps the order of tasks of one strategy and symbol, also of one that is tried again", async () => {
    const order: string[] = [];
    const run: Run = ({ signal, attempt }) => {
      order.push(`${signal.uid} ${attempt}`);
      if (signal.uid === "a" && attempt === 1) throw new RetryableError("busy");
      return { status: "executed" };
    };
    const entries = ["a", "b", "c"].map((uid, i) => task(`1-${i}`, { log_uid: uid }));
    await resultsOf(entries, portsFrom({ run }));
    expect(order).toEqual(["a 1", "a 2", "b 1", "c 1"]);
  });

  test("keeps the slot of a task in its lane until its outcome has been committed", async () => {
    const runs: string[] = [];
    const run: Run = ({ signal }) => {
      runs.push(signal.uid);
      return { status: "executed" };
    };
    const entries = ["a", "b"].map((uid, i) => task(`1-${i}`, { log_uid: uid }));
    const answers = executeStrategies(entries, portsFrom({ run }))[Symbol.asyncIterator]();
    await answers.next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(runs).toEqual(["a"]);
    await answers.next();
    expect(runs).toEqual(["a", "b"]);
    await answers.return?.();
  });

  test("with an entry that is no task makes that a dead letter and runs the others", async () => {
    const results = await resultsOf([task("1-1", { direction: "up" }), task("1-2")], portsFrom({}));
    expect(results).toEqual([
      expect.objectContaining({ id: "1-1", status: "dead", reason: "invalid_task" }),
      expect.objectContaining({ id: "1-2", status: "done" }),
    ]);
  });

  test("leaves what another consumer has reclaimed, and what is not started when the router stops", async () => {
    const lost = await resultsOf(
      [task()],
      portsFrom({ ports: { claimAttempt: async () => ({ status: "lost" }) } }),
    );
    expect(lost).toEqual([
      { id: "1-1", status: "retry", expected: true, error: expect.stringContaining("has reclaimed") },
    ]);
    const stopped = await resultsOf([task()], portsFrom({ ports: { stopping: AbortSignal.abort() } }));
    expect(stopped).toMatchObject([{ status: "retry", expected: true }]);
  });

  test("yields last that something is unavailable, after the results of the other tasks", async () => {
    const claimAttempt: ExecutePorts["claimAttempt"] = async (id) =>
      id === "1-1"
        ? { status: "unavailable", what: "snapshot", error: "none" }
        : portsFrom({}).claimAttempt(id);
    const results = await resultsOf(
      [task("1-1"), task("1-2", { symbol: "X" })],
      portsFrom({ ports: { claimAttempt } }),
    );
    expect(results.map(({ status }) => status)).toEqual(["done", "unavailable"]);
  });
});
