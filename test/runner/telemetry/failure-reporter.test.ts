import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { failureReporter, type FailureReporter } from "../../../runner/telemetry/failure-reporter.ts";
import type { SystemEvent } from "../../../shared/events.ts";

let published: SystemEvent[];
let reporter: FailureReporter;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  published = [];
  const events = {
    publish: (event: SystemEvent) => void published.push(event),
    flush: async () => undefined,
  };
  reporter = failureReporter(events, { source: "test", what: "it fails" });
});
afterEach(() => void vi.useRealTimers());

test("a failure is reported at once, then once a minute, and so is its end, with how long it took", () => {
  reporter.recovered();
  for (let second = 0; second < 90; second += 1) {
    reporter.failed(new Error("no"));
    vi.advanceTimersByTime(1_000);
  }
  reporter.recovered();
  expect(published.map(({ message, details }) => [message, details])).toEqual([
    ["it fails: no; retrying", { failures: 1, for_ms: 0 }],
    ["it fails: no; retrying", { failures: 61, for_ms: 60_000 }],
    ["recovered: it fails", { failures: 90, after_ms: 90_000 }],
  ]);
});

test.each([-3_600_000, 3_600_000])("setting this machine's clock by %d ms changes none of it", (step) => {
  reporter.failed(new Error("no"));
  vi.setSystemTime(Date.now() + step);
  vi.advanceTimersByTime(59_999);
  reporter.failed(new Error("no"));
  expect(published).toHaveLength(1);
  vi.advanceTimersByTime(1);
  reporter.failed(new Error("no"));
  reporter.recovered();
  expect(published.map(({ details }) => details)).toEqual([
    { failures: 1, for_ms: 0 },
    { failures: 3, for_ms: 60_000 },
    { failures: 3, after_ms: 60_000 },
  ]);
});
