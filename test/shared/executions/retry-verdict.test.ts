import { describe, expect, test } from "vitest";
import type { TaskRetry, TaskRun } from "../../../shared/executions/logged-task.ts";
import { refusedNow } from "../../../shared/executions/refused-now.ts";
import { effectWarning, retryVerdict, type TaskState } from "../../../shared/executions/retry-verdict.ts";
import type { Detail } from "../../../shared/signal/signal.ts";

const RETRY: TaskRetry = { id: "r1", by: "ann", reason: "up again", at: null };

function run(status: string, reason: string | null = null, changes: Partial<TaskRun> = {}): TaskRun {
  return { status, reason, detail: {}, attempt: 1, durationMs: 5, at: "T", retry: null, ...changes };
}

function state(changes: Partial<TaskState> = {}): TaskState {
  const decision = {
    uid: "u",
    signal_id: 1,
    direction: "long",
    symbol: "BTCUSDT",
    source: null,
    raw: {},
    bar_time: "T",
    sent_at: null,
    received_at: "T",
    decided_at: "T",
    snapshot: "v",
    forcedAt: null,
  } as const;
  const task = { entryId: "17-0", invocation: "live", strategyId: 10, strategy: "Trend", decision };
  return { ...task, runs: [], attempts: [], retries: [], deadLetters: [], recordLetters: [], ...changes };
}

describe("a task", () => {
  test.each([
    ["failed", [run("failed", "timeout")], 1],
    ["was ignored", [run("ignored", "paused")], 1],
    ["failed twice", [run("failed"), run("failed", null, { retry: RETRY })], 2],
  ])("that %s may be put into the stream again", (_, runs, ended) => {
    expect(retryVerdict(state({ runs, retries: runs.length > 1 ? [RETRY] : [] }))).toEqual({
      how: "dispatch",
      ended,
    });
  });

  test.each([
    ["executed", { runs: [run("failed"), run("executed")] }, "already_done", /Trend \(10\) has executed it/],
    ["delegated", { runs: [run("delegated")], deadLetters: ["5-0"] }, "already_done", /its worker/],
    ["not ended", {}, "not_ended", /has not ended it yet/],
    [
      "between two attempts",
      { attempts: [{ ...run("failed"), attempt: 2, detail: { error: "busy" } }] },
      "not_ended",
      /attempt 2 failed: busy/,
    ],
    [
      "retried, in flight",
      { runs: [run("failed")], retries: [RETRY] },
      "already_retried",
      /by ann \(retry r1\)/,
    ],
    ["of unknown outcome", { recordLetters: ["6-0"] }, "not_ended", /the dead letter 6-0/],
  ] as const)("that is %s is not run again, and it is said why", (_, changes, code, why) => {
    expect(retryVerdict(state(changes))).toMatchObject({
      how: "refused",
      code,
      why: expect.stringMatching(why),
    });
  });

  test("whose retry never ends can be replayed, which is said", () => {
    expect(retryVerdict(state({ runs: [run("failed")], retries: [RETRY] }))).toMatchObject({
      hint: expect.stringContaining("replay the signal by force"),
    });
  });

  test("that lies as a dead letter is retried by that", () => {
    const runs = [run("failed", "attempts_exhausted")];
    expect(retryVerdict(state({ runs, deadLetters: ["5-0"] }))).toEqual({
      how: "dead_letter",
      deadLetter: "5-0",
    });
  });
});

test.each([
  ["timeout", {}, true],
  ["attempts_exhausted", {}, true],
  ["http_503", { may_have_arrived: [1] }, true],
  ["http_404", {}, false],
  ["invalid_params", {}, false],
  ["stale", {}, false],
] as const)("after %s %j an earlier run may have taken effect: %s", (reason, detail: Detail, isUncertain) => {
  const warning = effectWarning({ runs: [run("failed", reason, { detail }), run("ignored", "paused")] });
  expect(warning !== undefined).toBe(isUncertain);
  if (isUncertain) expect(warning).toContain(`the first run may have taken effect (${reason})`);
});

test.each([
  [
    "stale",
    { age_ms: 7_200_000, age_ms_max: 300_000 },
    "stale_task",
    /2 h old, and Trend \(10\) runs nothing older than 5 min/,
  ],
  ["paused", { paused: "all strategies" }, "strategy_not_ready", /^every strategy is paused/],
  ["paused", {}, "strategy_not_ready", /Trend \(10\) is paused/],
  ["strategy_archived", {}, "strategy_not_ready", /is archived/],
  ["unknown_strategy", {}, "strategy_not_ready", /not in the current reference/],
] as const)("%s %j is refused before the task is put anywhere", (reason, detail, code, why) => {
  const refusal = refusedNow({ run: false, reason, detail }, { strategyId: 10, strategy: "Trend" });
  expect(refusal).toMatchObject({ code, why: expect.stringMatching(why), hint: expect.any(String) });
});
