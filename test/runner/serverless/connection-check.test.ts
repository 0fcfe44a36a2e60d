import { beforeEach, describe, expect, test, vi } from "vitest";
import { redisCheck, type CheckOptions } from "../../../runner/serverless/connection-check.ts";
import { gate } from "./serverless-gate.ts";

const never = new Promise<void>(() => undefined);
let failures: string[];
/** A clock whose sample is due until one has been taken. */
const dueClock = (sample: () => Promise<void>): CheckOptions["clock"] => {
  let isDue = true;
  return {
    isDue: () => isDue,
    async sample() {
      await sample();
      isDue = false;
    },
  };
};
const checkWith = (options: Partial<CheckOptions>): (() => Promise<boolean>) =>
  redisCheck({
    ping: async () => "PONG",
    clock: { isDue: () => false, sample: async () => Promise.reject(new Error("not due")) },
    pingMsMax: 10,
    sampleMsMax: 60_000,
    onFailure: (message) => void failures.push(message),
    ...options,
  });
beforeEach(() => {
  failures = [];
});

describe("a check of Redis", () => {
  test("is one ping, shared by all checks meanwhile", async () => {
    const answered = gate();
    const ping = vi.fn<() => Promise<void>>(async () => answered.passed);
    const check = checkWith({ ping, pingMsMax: 60_000 });
    const checks = Promise.all([check(), check()]);
    answered.open();
    expect(await checks).toEqual([true, true]);
    expect(ping).toHaveBeenCalledTimes(1);
    expect(await check()).toBe(true);
    expect(ping).toHaveBeenCalledTimes(2);
    expect(failures).toEqual([]);
  });

  test("reports a ping that is not answered in time, and of one that fails", async () => {
    expect(await checkWith({ ping: async () => never })()).toBe(false);
    const failing = async (): Promise<never> => Promise.reject(new Error("Connection is closed."));
    expect(await checkWith({ ping: failing })()).toBe(false);
    expect(failures).toEqual(["no answer within 10 ms", "Connection is closed."]);
  });

  test("waits for the clock when a sample is due, longer than for a ping, and then not again", async () => {
    const [sampling, sampled] = [gate(), gate()];
    const sample = vi.fn<() => Promise<void>>(async () => {
      sampling.open();
      await sampled.passed;
    });
    const check = checkWith({ clock: dueClock(sample) });
    const checks = Promise.all([check(), check()]);
    await sampling.passed;
    // The limit of a ping that was sent later is over.
    expect(await checkWith({ ping: async () => never })()).toBe(false);
    sampled.open();
    expect(await checks).toEqual([true, true]);
    expect(await check()).toBe(true);
    expect(sample).toHaveBeenCalledTimes(1);
  });

  test("finds out that the connection is lost while the clock is waited for", async () => {
    const sampling = gate();
    const ping = vi.fn<() => Promise<void>>(async () => undefined);
    const sample = async (): Promise<void> => {
      sampling.open();
      await never;
    };
    const check = checkWith({ ping, clock: dueClock(sample) });
    void check();
    await sampling.passed;
    ping.mockReturnValue(never);
    expect(await check()).toBe(false);
  });

  test("reports a clock that is not sampled in time", async () => {
    const check = checkWith({ clock: dueClock(async () => never), sampleMsMax: 10 });
    expect(await check()).toBe(false);
    expect(failures).toEqual(["no answer within 10 ms"]);
  });

  test("does not pass with a clock that could not be sampled, and samples it the next time", async () => {
    const sample = vi.fn<() => Promise<void>>(async () => Promise.reject(new Error("no time")));
    const check = checkWith({ clock: dueClock(sample) });
    expect(await check()).toBe(false);
    expect(failures).toEqual(["no time"]);
    sample.mockResolvedValue();
    expect(await check()).toBe(true);
    expect(sample).toHaveBeenCalledTimes(2);
  });
});
