import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { redisCheck, type CheckOptions } from "../../../runner/serverless/connection-check.ts";
import { gate } from "./serverless-gate.ts";

const never = new Promise<void>(() => undefined);
let failures: string[];
const checkWith = (options: Partial<CheckOptions>): (() => Promise<boolean>) =>
  redisCheck({
    ping: async () => "PONG",
    sampleClock: async () => undefined,
    pingMsMax: 10,
    sampleMsMax: 60_000,
    onFailure: (message) => void failures.push(message),
    ...options,
  });
/** As after a freeze. */
const later = (ms: number): void => void vi.setSystemTime(Date.now() + ms);

beforeEach(() => {
  failures = [];
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => void vi.useRealTimers());

describe("a check of Redis", () => {
  test("is one ping, shared by all checks meanwhile", async () => {
    const answered = gate();
    const ping = vi.fn<() => Promise<void>>(async () => answered.passed);
    const sampleClock = vi.fn<() => Promise<void>>();
    const check = checkWith({ ping, sampleClock, pingMsMax: 60_000 });
    const checks = Promise.all([check(), check()]);
    answered.open();
    expect(await checks).toEqual([true, true]);
    expect(ping).toHaveBeenCalledTimes(1);
    expect(await check()).toBe(true);
    expect(ping).toHaveBeenCalledTimes(2);
    expect(sampleClock).not.toHaveBeenCalled();
  });

  test("reports a ping that is not answered in time, and of one that fails", async () => {
    expect(await checkWith({ ping: async () => never })()).toBe(false);
    const failing = async (): Promise<never> => Promise.reject(new Error("Connection is closed."));
    expect(await checkWith({ ping: failing })()).toBe(false);
    expect(failures).toEqual(["no answer within 10 ms", "Connection is closed."]);
  });

  test("after a while waits for the clock, longer than for a ping, and then not again", async () => {
    const [sampling, sampled] = [gate(), gate()];
    const sampleClock = vi.fn<() => Promise<void>>(async () => {
      sampling.open();
      await sampled.passed;
    });
    const check = checkWith({ sampleClock });
    later(10_000);
    const checks = Promise.all([check(), check()]);
    await sampling.passed;
    // The limit of a ping that was sent later is over.
    expect(await checkWith({ ping: async () => never })()).toBe(false);
    sampled.open();
    expect(await checks).toEqual([true, true]);
    expect(await check()).toBe(true);
    expect(sampleClock).toHaveBeenCalledTimes(1);
  });

  test("finds out that the connection is lost while the clock is waited for", async () => {
    const sampling = gate();
    const ping = vi.fn<() => Promise<void>>(async () => undefined);
    const sampleClock = async (): Promise<void> => {
      sampling.open();
      await never;
    };
    const check = checkWith({ ping, sampleClock });
    later(10_000);
    void check();
    await sampling.passed;
    ping.mockReturnValue(never);
    expect(await check()).toBe(false);
  });

  test("reports a clock that is not sampled in time", async () => {
    const check = checkWith({ sampleClock: async () => never, sampleMsMax: 10 });
    later(10_000);
    expect(await check()).toBe(false);
    expect(failures).toEqual(["no answer within 10 ms"]);
  });

  test("does not pass with a clock that could not be sampled, and samples it the next time", async () => {
    const sampleClock = vi.fn<() => Promise<void>>(async () => Promise.reject(new Error("no time")));
    const check = checkWith({ sampleClock });
    later(-10_000);
    expect(await check()).toBe(false);
    expect(failures).toEqual(["no time"]);
    sampleClock.mockResolvedValue();
    expect(await check()).toBe(true);
    expect(sampleClock).toHaveBeenCalledTimes(2);
  });
});
