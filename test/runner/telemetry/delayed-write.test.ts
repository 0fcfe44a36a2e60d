import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { delayedWrite } from "../../../runner/telemetry/delayed-write.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A write that fails so many times first, and what was said about it. */
function writing({ failures = 0 } = {}) {
  const log: string[] = [];
  const write = delayedWrite(
    async () => {
      if (failures > 0) {
        failures -= 1;
        throw new Error("no");
      }
      log.push("written");
    },
    { delayMs: 100, reporter: { failed: () => void log.push("failed"), recovered: () => undefined } },
  );
  return { write, log };
}

test("several requests are one write, a moment later", async () => {
  const { write, log } = writing();
  write.request();
  write.request();
  await vi.advanceTimersByTimeAsync(99);
  expect(log).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  write.request();
  await vi.advanceTimersByTimeAsync(100);
  expect(log).toEqual(["written", "written"]);
});

test("a flush writes at once, and what was requested with it", async () => {
  const { write, log } = writing();
  write.request();
  await write.flush();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(log).toEqual(["written"]);
});

test("a write that fails is reported and repeated, until it is closed", async () => {
  const { write, log } = writing({ failures: 2 });
  await write.flush();
  await vi.advanceTimersByTimeAsync(4_000);
  expect(log).toEqual(["failed", "failed", "written"]);
  write.close();
  write.request();
  await vi.advanceTimersByTimeAsync(4_000);
  expect(log).toHaveLength(3);
});
