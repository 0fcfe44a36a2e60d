import { expect, test } from "vitest";
import { healthFrom } from "../../../runner/telemetry/health.ts";
import { readConfig } from "../../../shared/config/config.ts";
import type { Status } from "../../../shared/io/status/status.ts";
import { GROUPS, type GroupName, type GroupOfStream } from "../../../shared/keys.ts";
import { NOW } from "../../builders.ts";

/** The status of a running router with these loops. */
function statusOf(loops: readonly GroupOfStream[], at: number): Status {
  const groupOf = (name: GroupName) => ({
    name,
    consumers: 1,
    pending: 0,
    lag: 0,
    oldestPendingIdleMs: null,
    oldestPendingAt: null,
    waiting: null,
    own: true,
    group: name,
  });
  return {
    server: { refusals: [], memory: { used: 1_000_000, max: 0 } },
    streams: GROUPS.map(({ stream, group }) => ({ name: stream, length: 0, groups: [groupOf(group)] })),
    loops: loops.map((loop) => ({ ...loop, consumer: "c", at })),
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
): readonly string[] {
  const answer = readConfig(env);
  if (!answer.ok) throw new Error(answer.message);
  return healthFrom(statusOf(loops, at), { postgresReachable: true }, answer.config).reasons;
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
