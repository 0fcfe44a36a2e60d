import { expect, test } from "vitest";
import { healthFrom } from "../../../runner/telemetry/health.ts";
import { readConfig } from "../../../shared/config/config.ts";
import type { Status } from "../../../shared/io/status/status.ts";
import type { WaitingStatus } from "../../../shared/io/status/waiting-status.ts";
import { GROUPS, type GroupName, type GroupOfStream } from "../../../shared/keys.ts";
import { NOW } from "../../builders.ts";

/** The status of a running router with these loops. */
function statusOf(loops: readonly GroupOfStream[], at: number, tasksWaiting: WaitingStatus | null): Status {
  const groupOf = (name: GroupName) => ({
    name,
    consumers: 1,
    pending: 0,
    lag: 0,
    oldestPendingIdleMs: null,
    oldestPendingAt: null,
    waiting: name === "strategy_executor" ? tasksWaiting : null,
    own: true,
    group: name,
  });
  return {
    server: { refusals: [], memory: { used: 1_000_000, max: 0 } },
    streams: GROUPS.map(({ stream, group }) => ({ name: stream, length: 0, groups: [groupOf(group)] })),
    loops: loops.map((loop) => ({ ...loop, consumer: "c", at })),
    holders: [],
    routers: [],
    reference: { version: "v1", confirmedAt: NOW },
    strategies: { names: {}, reports: [], tasks: [] },
    deadLetters: { count: 0, oldestAt: null },
    shadow: { isShadow: false, suffix: "" },
    foreignConsumers: [],
    paused: {},
    metrics: {},
    now: NOW,
  };
}

function reasonsOf(
  loops: readonly GroupOfStream[],
  at: number = NOW,
  env: Record<string, string> = {},
  tasksWaiting: WaitingStatus | null = null,
): readonly string[] {
  const answer = readConfig(env);
  if (!answer.ok) throw new Error(answer.message);
  return healthFrom(statusOf(loops, at, tasksWaiting), { postgresReachable: true }, answer.config).reasons;
}

test("a router whose loops all run is ready, with or without a notifier", () => {
  expect(reasonsOf(GROUPS)).toEqual([]);
});

test("another reader of the same stream does not count as the log writer", () => {
  const others = GROUPS.filter(({ stream }) => stream !== "signal_results");
  expect(reasonsOf([...others, { stream: "signal_results", group: "notifier" }])).toEqual([
    "no consumer reads log_writer on signal_results",
  ]);
});

test("tasks that are kept for a group that no router reads are named with what to do", () => {
  const env = { FUNCTIONS: "process-signals,persist-log" };
  const others = GROUPS.filter(({ group }) => group !== "strategy_executor");
  const waiting = { count: 3, isExact: true, oldestAt: NOW, seenMs: 0, strategies: [] };
  expect(reasonsOf(others, NOW, env)).toEqual([]);
  expect(reasonsOf(others, NOW, env, waiting)).toEqual([
    expect.stringMatching(
      /^3 entries of strategy_input_stream are kept for group strategy_executor.*groups remove/,
    ),
  ]);
  expect(reasonsOf(GROUPS, NOW, env, waiting)).toEqual([]);
});

test("the group of an outcome stream is needed where FUNCTIONS names what reads it", () => {
  const env = { OUTCOME_STREAMS: "signal_log_queue", KEY_PREFIX: "p:" };
  expect(reasonsOf(GROUPS, NOW, env)).toEqual([
    expect.stringMatching(
      /^group outcome_collector on signal_log_queue does not exist; .* --stream signal_log_queue /,
    ),
  ]);
  expect(
    reasonsOf(GROUPS, NOW, { ...env, FUNCTIONS: "process-signals,persist-log,execute-strategies" }),
  ).toEqual([]);
});

test("a heartbeat from before Redis' clock was set back shows no loop that runs", () => {
  expect(reasonsOf(GROUPS, NOW + 3_600_000)).toHaveLength(GROUPS.length);
  expect(reasonsOf(GROUPS, NOW + 1_000)).toEqual([]);
});
