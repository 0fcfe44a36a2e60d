import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { startWatchdog, type Watchdog } from "../../../runner/consume/watchdog.ts";

let watchdog: Watchdog;
let seen: number[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  seen = [];
  watchdog = startWatchdog({ stillMsMax: 1_000, onStill: (stillMs) => seen.push(stillMs) });
});

afterEach(() => {
  watchdog.close();
  vi.useRealTimers();
});

describe("the watchdog", () => {
  test("says nothing while there are signs of life", () => {
    for (let i = 0; i < 20; i += 1) {
      vi.advanceTimersByTime(900);
      watchdog.alive();
    }
    expect(seen).toEqual([]);
  });

  test("speaks up once for each time without any, with how long it has lasted", () => {
    vi.advanceTimersByTime(1_000);
    expect(seen).toEqual([1_000]);
    vi.advanceTimersByTime(900);
    expect(seen).toHaveLength(1);
    vi.advanceTimersByTime(200);
    expect(seen).toHaveLength(2);
  });

  test("is silent once it was stopped", () => {
    watchdog.close();
    vi.advanceTimersByTime(10_000);
    expect(seen).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
