import { expect, test, vi } from "vitest";
import { onAbort } from "../../shared/abort.ts";

test("the listener is called once when the signal aborts, or at once when it has, and no more when it was taken off", () => {
  const controller = new AbortController();
  const [stays, goes, late] = [vi.fn<() => void>(), vi.fn<() => void>(), vi.fn<() => void>()];
  onAbort(controller.signal, stays);
  onAbort(controller.signal, goes)();
  controller.abort();
  onAbort(controller.signal, late);
  expect([stays, goes, late].map((listener) => listener.mock.calls.length)).toEqual([1, 0, 1]);
});
