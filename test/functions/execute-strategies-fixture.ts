import { expect } from "vitest";
import * as z from "zod";
import { executeStrategies, type ExecutePorts } from "../../functions/execute-strategies.ts";
import { openLanes } from "../../runner/bindings/ordered-lanes.ts";
import type { Entry } from "../../shared/entry.ts";
import type { Result, Unavailable } from "../../shared/function.ts";
import { outcomeRecordSchema } from "../../shared/records.ts";
import { defineStrategy, type StrategyOutcome, type StrategyRun } from "../../shared/strategy.ts";
import { NOW, rowsWithStrategies, snapshotFrom, strategyRow, type Paused, taskFields } from "../builders.ts";

/** Tasks, and ports of a process that runs them with a strategy of the test. */

export type Run = (run: StrategyRun<Record<string, unknown>>) => Promise<StrategyOutcome> | StrategyOutcome;

export interface Setting {
  readonly run?: Run;
  readonly strategy?: Parameters<typeof strategyRow>[1];
  readonly paused?: Paused;
  readonly ports?: Partial<ExecutePorts>;
}

/** Ports of a process that holds every task; each look is one more attempt. */
export function portsFrom({
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
    publishAttempt: async () => true,
    streamProblem: async () => undefined,
    now: () => NOW,
    attemptsMax: 3,
    stopping: never,
    abort: never,
    timeoutMs: 5_000,
    connectionMsMax: 5_000,
    post: async () => ({ status: 200, text: "" }),
    secretOf: (name) => (name === "BROKER" ? "hush-hush" : undefined),
    redact: (text) => text.replaceAll("hush-hush", "***"),
    log: () => undefined,
    ...ports,
  };
}

export function task(id = "1-1", changes: Readonly<Record<string, string>> = {}): Entry {
  return { id, fields: taskFields(NOW - 1_000, changes) };
}

export async function resultsOf(
  entries: readonly Entry[],
  ports: ExecutePorts,
): Promise<(Result | Unavailable)[]> {
  const all: (Result | Unavailable)[] = [];
  for await (const answer of executeStrategies(entries, ports)) {
    if ("status" in answer) all.push(answer);
    else all.push(...answer);
  }
  return all;
}

/** The record the only task ends with. */
export async function recordOf(setting: Setting, changes: Readonly<Record<string, string>> = {}) {
  const [result] = await resultsOf([task("1-1", changes)], portsFrom(setting));
  const branch =
    result?.status === "done" ? result.effects : result?.status === "dead" ? result.also : undefined;
  const published = branch?.append.find(({ stream }) => stream === "signal_results");
  if (published === undefined) throw new Error(`no outcome: ${JSON.stringify(result)}`);
  const { kind, entry_id, invocation, data } = published.fields;
  expect({ kind, entry_id }).toEqual({ kind: "outcome", entry_id: `${NOW - 1_000}-0` });
  return { invocation, counted: branch?.count, ...outcomeRecordSchema.parse(JSON.parse(data ?? "")) };
}
