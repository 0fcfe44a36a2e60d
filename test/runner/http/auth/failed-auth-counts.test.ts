import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { failedAuthCounts } from "../../../../runner/http/auth/failed-auth-counts.ts";

const WINDOW_MS = 60_000;

/** The store as the rate limiter sets it up. */
function counts(clientsMax: number) {
  const store = failedAuthCounts({ clientsMax });
  store.init?.({ windowMs: WINDOW_MS } as Parameters<NonNullable<typeof store.init>>[0]);
  return async (key: string) => (await store.increment(key)).totalHits;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "performance"], now: 1_700_000_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

it("each client has a count of its own", async () => {
  const hit = counts(10);
  expect([await hit("a"), await hit("a"), await hit("b"), await hit("a")]).toEqual([1, 2, 1, 3]);
});

it("a count starts again when its window is over, and not before", async () => {
  const hit = counts(10);
  await hit("a");
  vi.advanceTimersByTime(WINDOW_MS - 1);
  expect(await hit("a")).toBe(2);
  vi.advanceTimersByTime(1);
  expect(await hit("a")).toBe(1);
});

it("with more clients than are kept, the oldest count is evicted and the others stay", async () => {
  const hit = counts(3);
  for (const key of ["a", "b", "c", "d"]) await hit(key);
  expect([await hit("b"), await hit("c"), await hit("d")]).toEqual([2, 2, 2]);
  expect(await hit("a")).toBe(1);
});

it("a client whose window has just begun again is not the oldest", async () => {
  const hit = counts(2);
  await hit("a");
  vi.advanceTimersByTime(WINDOW_MS / 2);
  await hit("b");
  vi.advanceTimersByTime(WINDOW_MS / 2);
  await hit("a");
  await hit("c");
  expect([await hit("a"), await hit("b")]).toEqual([2, 1]);
});

it("setting this machine's clock neither ends a window nor makes it longer", async () => {
  const hit = counts(10);
  await hit("a");
  vi.setSystemTime(Date.now() + 2 * WINDOW_MS);
  expect(await hit("a")).toBe(2);
  vi.setSystemTime(Date.now() - 4 * WINDOW_MS);
  vi.advanceTimersByTime(WINDOW_MS);
  expect(await hit("a")).toBe(1);
});
