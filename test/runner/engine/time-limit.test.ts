import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { within } from "../../../runner/engine/time-limit.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("an answer within its time is given and leaves no timer; one too late is not, nor its failure", async () => {
  expect(await within(1_000, Promise.resolve("here"), () => "late")).toBe("here");
  await expect(within(1_000, Promise.reject(new Error("away")), () => "late")).rejects.toThrow("away");
  expect(vi.getTimerCount()).toBe(0);
  const failure = new Promise<string>((_, reject) => setTimeout(() => reject(new Error("away")), 2_000));
  const late = within(1_000, failure, () => "late");
  await vi.advanceTimersByTimeAsync(3_000);
  expect(await late).toBe("late");
});

test("what is thrown when the time is up reaches the caller", async () => {
  const late = within(1_000, new Promise(() => undefined), () => {
    throw new Error("no answer");
  });
  await Promise.all([expect(late).rejects.toThrow("no answer"), vi.advanceTimersByTimeAsync(1_000)]);
});
