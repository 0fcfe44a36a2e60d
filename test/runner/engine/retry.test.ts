import { describe, expect, it } from "vitest";
import { retry } from "../../../runner/engine/retry.ts";

const running = new AbortController().signal;

/** Fails so many times, then gives the number of calls. */
function failing(times: number): { attempt: () => Promise<number>; calls: () => number } {
  let calls = 0;
  return {
    calls: () => calls,
    async attempt() {
      calls += 1;
      if (calls <= times) throw new Error(`call ${calls}`);
      return calls;
    },
  };
}

describe("something that is tried", () => {
  it("and works at once is not tried again", async () => {
    const { attempt, calls } = failing(0);
    expect(await retry(attempt, { retries: 5, minTimeout: 0, signal: running })).toBe(1);
    expect(calls()).toBe(1);
  });

  it.each([1, 2, 5])(
    "and fails %i times is tried as often and once more, each failure told",
    async (times) => {
      const { attempt, calls } = failing(times);
      const told: string[] = [];
      const result = await retry(attempt, {
        retries: 5,
        minTimeout: 0,
        signal: running,
        onFailedAttempt: ({ error, attemptNumber }) => void told.push(`${attemptNumber}: ${error.message}`),
      });
      expect(result).toBe(times + 1);
      expect(calls()).toBe(times + 1);
      expect(told).toStrictEqual(Array.from({ length: times }, (_, i) => `${i + 1}: call ${i + 1}`));
    },
  );

  it("and is not worth another try is called once, with its own error", async () => {
    const { attempt, calls } = failing(9);
    const tried = retry(attempt, { retries: 5, minTimeout: 0, signal: running, shouldRetry: () => false });
    await expect(tried).rejects.toThrow("call 1");
    expect(calls()).toBe(1);
  });

  it("as often as it may fails with its last error", async () => {
    const { attempt, calls } = failing(9);
    await expect(retry(attempt, { retries: 2, minTimeout: 0, signal: running })).rejects.toThrow("call 3");
    expect(calls()).toBe(3);
  });

  it("and fails after the end is told, and not tried again", async () => {
    const ends = new AbortController();
    const told: string[] = [];
    const attempt = async (): Promise<never> => {
      ends.abort(new Error("the end"));
      throw new Error("what went wrong");
    };
    const tried = retry(attempt, {
      retries: 5,
      minTimeout: 0,
      signal: ends.signal,
      onFailedAttempt: ({ error }) => void told.push(error.message),
    });
    await expect(tried).rejects.toThrow("what went wrong");
    expect(told).toStrictEqual(["what went wrong"]);
  });

  it("and is broken off by the end itself is nobody's trouble", async () => {
    const ends = new AbortController();
    const told: string[] = [];
    const attempt = async (): Promise<never> => {
      ends.abort(new Error("the end"));
      ends.signal.throwIfAborted();
      throw new Error("not reached");
    };
    const tried = retry(attempt, {
      signal: ends.signal,
      onFailedAttempt: ({ error }) => void told.push(error.message),
    });
    await expect(tried).rejects.toThrow("the end");
    expect(told).toStrictEqual([]);
  });

  it("and has done its work is given, also after the end", async () => {
    const ends = new AbortController();
    const attempt = async (): Promise<string> => {
      ends.abort(new Error("the end"));
      return "done";
    };
    expect(await retry(attempt, { signal: ends.signal })).toBe("done");
  });

  it("is not even begun after the end, and not again once that has come", async () => {
    const ends = new AbortController();
    const { attempt, calls } = failing(9);
    const tried = retry(attempt, {
      retries: 5,
      minTimeout: 60_000,
      signal: ends.signal,
      onFailedAttempt: () => ends.abort(new Error("the end")),
    });
    await expect(tried).rejects.toThrow("the end");
    await expect(retry(attempt, { signal: ends.signal })).rejects.toThrow("the end");
    expect(calls()).toBe(1);
  });
});
