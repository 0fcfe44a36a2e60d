import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { reportEventsTo } from "../../../runner/telemetry/report-events.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("what happens often is one event a minute, the first at once, each with the count since the last", () => {
  const messages: string[] = [];
  const events = reportEventsTo({
    publish: ({ level, message }) => void messages.push(`${level} ${message}`),
  });
  events.unknown(2);
  expect(messages).toEqual([expect.stringMatching(/^INFO 2 reports of workers/)]);
  for (let i = 0; i < 5; i += 1) events.unknown(3);
  vi.advanceTimersByTime(59_000);
  expect(messages).toHaveLength(1);
  vi.advanceTimersByTime(1_000);
  expect(messages[1]).toMatch(/^INFO 15 reports/);
  vi.advanceTimersByTime(600_000);
  expect(messages).toHaveLength(2);
  events.unknown(1);
  expect(messages[2]).toMatch(/^INFO 1 reports/);
});

test("entries that are no reports are counted for each stream, with the last one", () => {
  const details: unknown[] = [];
  const events = reportEventsTo({ publish: (event) => void details.push(event.details) });
  events.unreadable("a", "1-0", "no uid");
  events.unreadable("b", "2-0", "no uid");
  events.unreadable("a", "3-0", "no status");
  expect(details).toMatchObject([
    { stream: "a", entries: 1, last_entry_id: "1-0" },
    { stream: "b", entries: 1, last_entry_id: "2-0" },
  ]);
  vi.advanceTimersByTime(60_000);
  expect(details[2]).toMatchObject({ stream: "a", entries: 1, last_entry_id: "3-0", error: "no status" });
});
