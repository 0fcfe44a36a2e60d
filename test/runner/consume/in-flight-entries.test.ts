import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openInFlightEntries } from "../../../runner/consume/in-flight-entries.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Entries in flight of a consumer whose heartbeats are answered when the test says so. */
function opened({ alwaysExtends = false } = {}) {
  const answers: ((besideOthers: boolean) => void)[] = [];
  const extended: (readonly string[])[] = [];
  const ends: true[] = [];
  const inFlight = openInFlightEntries({
    heartbeat: {
      beat: async () => new Promise((resolve) => answers.push(resolve)),
      end: async () => void ends.push(true),
    },
    group: {
      async extend(ids) {
        extended.push(ids);
        return [];
      },
    },
    claimIdleMs: 3_000,
    alwaysExtends,
    isReading: true,
    onError(error) {
      throw error;
    },
    onSuccess: () => undefined,
  });
  return { inFlight, answers, extended, ends };
}

test("a heartbeat is given at once and every third of CLAIM_IDLE_MS, but none before the last one is answered", async () => {
  const { inFlight, answers } = opened();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(answers).toHaveLength(1);
  answers[0]?.(false);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(answers).toHaveLength(2);
  inFlight.close();
  answers[1]?.(false);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(answers).toHaveLength(2);
});

test("entries are extended only while the group may have consumers without heartbeats", async () => {
  const { inFlight, answers, extended } = opened();
  inFlight.add(["1-0", "2-0"]);
  for (const besideOthers of [false, true, true, true, false]) {
    answers.at(-1)?.(besideOthers);
    await vi.advanceTimersByTimeAsync(1_000);
  }
  answers.at(-1)?.(false);
  await vi.advanceTimersByTimeAsync(0);
  inFlight.close();
  expect(extended).toEqual([1, 2, 3].map(() => ["1-0", "2-0"]));
});

test("in a session on demand they always are", async () => {
  const { inFlight, answers, extended } = opened({ alwaysExtends: true });
  inFlight.add(["1-0"]);
  answers[0]?.(false);
  await vi.advanceTimersByTimeAsync(1_000);
  answers[1]?.(false);
  await vi.advanceTimersByTimeAsync(0);
  inFlight.close();
  expect(extended).toEqual([["1-0"]]);
});

test("of a consumer that no longer reads it ends with the last entry in flight, and begins anew with the next read", async () => {
  const { inFlight, answers, ends } = opened();
  const answerAll = (): void => answers.splice(0).forEach((answer) => answer(false));
  answerAll();
  inFlight.add(["1-0"]);
  inFlight.setReading(false);
  await vi.advanceTimersByTimeAsync(1_000);
  expect([answers.length, ends.length]).toEqual([1, 0]);
  answerAll();
  inFlight.remove(["1-0"]);
  await vi.advanceTimersByTimeAsync(3_000);
  expect([answers.length, ends.length]).toEqual([0, 1]);
  inFlight.setReading(true);
  expect(answers).toHaveLength(1);
  inFlight.close();
});
