import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startRunLimit } from "../../../functions/strategies/run-limit.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function limitOf(msMax: number, heldMsMax: number) {
  const onEnd = vi.fn<() => void>();
  return { limit: startRunLimit({ msMax, heldMsMax, onEnd }), onEnd };
}

/** What happens after so many ms, until the limit ends. */
const pass = (ms: number): void => void vi.advanceTimersByTime(ms);

test("a limit ends after its time", () => {
  const { onEnd } = limitOf(100, 1_000);
  pass(99);
  expect(onEnd).not.toHaveBeenCalled();
  pass(1);
  expect(onEnd).toHaveBeenCalledOnce();
});

test("it stands still while it is held, until the last of several holds is over", () => {
  const { limit, onEnd } = limitOf(100, 1_000);
  pass(60);
  const [first, second] = [limit.hold(), limit.hold()];
  pass(300);
  first();
  first();
  pass(300);
  expect(onEnd).not.toHaveBeenCalled();
  second();
  pass(39);
  expect(onEnd).not.toHaveBeenCalled();
  pass(1);
  expect(onEnd).toHaveBeenCalledOnce();
});

test("it goes on when it has been held for too long, in one hold or in many", () => {
  const one = limitOf(100, 50);
  one.limit.hold();
  pass(149);
  expect(one.onEnd).not.toHaveBeenCalled();
  pass(1);
  expect(one.onEnd).toHaveBeenCalledOnce();

  const many = limitOf(100, 50);
  for (let i = 0; i < 10; i += 1) {
    const goOn = many.limit.hold();
    pass(14);
    goOn();
  }
  // 140 ms, of which 50 were held.
  pass(9);
  expect(many.onEnd).not.toHaveBeenCalled();
  pass(1);
  expect(many.onEnd).toHaveBeenCalledOnce();
});

test("once it is closed it does not end", () => {
  const { limit, onEnd } = limitOf(100, 50);
  limit.hold();
  limit.close();
  pass(1_000);
  expect(onEnd).not.toHaveBeenCalled();
});
