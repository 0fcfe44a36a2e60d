import { describe, expect, test } from "vitest";
import * as z from "zod";
import { executeStrategies, type ExecutePorts } from "../../functions/execute-strategies.ts";
import type { Entry } from "../../shared/entry.ts";
import { defineStrategy, RetryableError } from "../../shared/strategy.ts";
import { NOW } from "../builders.ts";
import {
  type Run,
  type Setting,
  portsFrom,
  task,
  resultsOf,
  recordOf,
} from "./execute-strategies-fixture.ts";

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
