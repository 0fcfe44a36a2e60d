import { describe, expect, test } from "vitest";
import { attemptWaitMs } from "../../shared/attempt-wait.ts";
import { taskStateOf, type TaskFacts } from "../../shared/task-state.ts";

const FACTS: TaskFacts = {
  id: "5-1",
  idleMs: 400,
  attempts: 1,
  isLiving: true,
  failed: undefined,
  behind: undefined,
};
const LIMITS = { now: 100_000, claimIdleMs: 10_000, attemptsMax: 3 };

describe("a task in flight", () => {
  test("waits for its turn until its first attempt, and says behind which task", () => {
    const waiting = { ...FACTS, attempts: 0 };
    expect(taskStateOf(waiting, LIMITS)).toMatchObject({ state: "not_started", attempt: 0, nextTryAt: null });
    expect(taskStateOf({ ...waiting, behind: "4-0" }, LIMITS).why).toBe(
      "task 4-0 of the same strategy and symbol comes first",
    );
  });

  test("runs while nothing says that its attempt has ended", () => {
    expect(taskStateOf(FACTS, LIMITS)).toMatchObject({ state: "running", attempt: 1, lastError: null });
  });

  test("is between two attempts once one has failed, until the next is begun", () => {
    const at = 99_900;
    const between = { ...FACTS, failed: { error: "503", at } };
    expect(taskStateOf(between, LIMITS)).toEqual({
      state: "between_attempts",
      why: "attempt 1 failed; attempt 2 of 3 follows",
      attempt: 1,
      lastError: "503",
      nextTryAt: at + attemptWaitMs("5-1", 1),
    });
    expect(taskStateOf(between, { ...LIMITS, now: at + 1_000 }).why).toContain("is due, and waits for room");
  });

  test("without its consumer is reclaimed when it has been idle for long enough, or is given up on", () => {
    const left = { ...FACTS, isLiving: false };
    expect(taskStateOf(left, LIMITS)).toMatchObject({ state: "left", nextTryAt: LIMITS.now + 9_600 });
    expect(taskStateOf({ ...left, idleMs: 20_000 }, LIMITS)).toMatchObject({ nextTryAt: LIMITS.now });
    expect(taskStateOf({ ...left, attempts: 3 }, LIMITS).why).toContain("becomes a dead letter");
  });
});

test("the wait after an attempt doubles up to half a minute, is up to a fifth less, and the same wherever it is computed", () => {
  for (const [attempt, ms] of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000].entries()) {
    const waits = Array.from({ length: 50 }, (_, n) => attemptWaitMs(`7-${n}`, attempt + 1));
    expect(Math.max(...waits)).toBeLessThanOrEqual(ms);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(ms * 0.8);
    expect(new Set(waits).size).toBeGreaterThan(25);
  }
});
