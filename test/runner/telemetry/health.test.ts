import { expect, test } from "vitest";
import { healthFrom } from "../../../runner/telemetry/health.ts";
import { readConfig } from "../../../shared/config/config.ts";
import type { Status } from "../../../shared/io/streams/status.ts";
import { GROUPS, type GroupName, type GroupOfStream } from "../../../shared/keys.ts";
import { NOW } from "../../builders.ts";

/** A router at work, whose loops are these. */
function statusOf(loops: readonly GroupOfStream[]): Status {
  const groupOf = (name: GroupName) => ({
    name,
    consumers: 1,
    pending: 0,
    lag: 0,
    oldestPendingIdleMs: null,
    oldestPendingAt: null,
    own: true,
  });
  return {
    streams: GROUPS.map(({ stream, group }) => ({ name: stream, length: 0, groups: [groupOf(group)] })),
    loops: loops.map((loop) => ({ ...loop, consumer: "c", at: NOW })),
    reference: { version: "v1", confirmedAt: NOW },
    paused: {},
    metrics: {},
    now: NOW,
  };
}

function reasonsOf(loops: readonly GroupOfStream[]): readonly string[] {
  const answer = readConfig({});
  if (!answer.ok) throw new Error(answer.message);
  return healthFrom(statusOf(loops), true, answer.config).reasons;
}

test("a router whose loops all turn is ready, whether anybody notifies or not", () => {
  expect(reasonsOf(GROUPS)).toEqual([]);
});

test("the log is not being written because somebody else reads the same stream", () => {
  const others = GROUPS.filter(({ stream }) => stream !== "signal_results");
  expect(reasonsOf([...others, { stream: "signal_results", group: "notifier" }])).toEqual([
    "no consumer reads log_writer on signal_results",
  ]);
});
