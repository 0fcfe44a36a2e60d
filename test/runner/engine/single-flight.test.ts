import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { singleFlight } from "../../../runner/engine/single-flight.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const counting = (answers: readonly (number | Error)[]) => {
  let asked = 0;
  return async (): Promise<number> => {
    const answer = answers[asked] ?? 0;
    asked += 1;
    if (answer instanceof Error) throw answer;
    return answer;
  };
};

test("all who ask at once get one answer, and the next one gets a new one", async () => {
  const ask = singleFlight(counting([1, 2]));
  expect(await Promise.all([ask(), ask(), ask()])).toEqual([1, 1, 1]);
  expect(await ask()).toBe(2);
});

test("an answer is kept for the time given, counted from when it came", async () => {
  const slow = counting([1, 2]);
  const ask = singleFlight(
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 5_000));
      return slow();
    },
    { keptMs: 1_000 },
  );
  const first = ask();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await first).toBe(1);
  await vi.advanceTimersByTimeAsync(999);
  expect(await ask()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  const second = ask();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await second).toBe(2);
});

test("a failure reaches all who asked and is not kept", async () => {
  const ask = singleFlight(counting([new Error("away"), 2]), { keptMs: 1_000 });
  const outcomes = await Promise.allSettled([ask(), ask()]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await ask()).toBe(2);
});
