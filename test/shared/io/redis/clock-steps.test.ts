import * as fc from "fast-check";
import { expect, test } from "vitest";
import { clockOf, CLOCK_SAMPLE_MS, type Clock } from "../../../../shared/io/redis/clock.ts";

/** A router's machine and Redis' with their clocks; time passes only where the test says so. */
class Machines {
  monotonic = 0;
  wall = 1_700_000_000_000;
  redis = 1_700_000_100_000;
  samples = 0;
  /** How long each half of a round trip takes. */
  latencyMs = 1;
  /** Happens in the middle of the next reading, after Redis has answered. */
  duringReading: () => unknown = () => undefined;
  #readings = 0;

  readonly clock: Clock = clockOf({
    readRedis: async () => {
      if (this.#readings % 3 === 0) this.samples += 1;
      this.#readings += 1;
      this.pass(this.latencyMs);
      const answer = this.redis;
      const happens = this.duringReading;
      this.duringReading = () => undefined;
      happens();
      this.pass(this.latencyMs);
      return answer;
    },
    monotonic: () => this.monotonic,
    wall: () => this.wall,
  });

  pass(ms: number): void {
    this.monotonic += ms;
    this.wall += ms;
    this.redis += ms;
  }

  /** Both machines' clocks go on; the monotonic one of the router's stands still. */
  sleep(ms: number): void {
    this.wall += ms;
    this.redis += ms;
  }

  /** By how much the clock is wrong now. */
  error(): number {
    // First, since the sample that may be asked for takes time.
    const { redis } = this;
    return Math.abs(this.clock.now() - redis);
  }

  /** Uses the clock until it no longer asks for a sample. */
  async settle(): Promise<void> {
    for (let samples = -1; samples < this.samples;) {
      samples = this.samples;
      this.clock.now();
      await new Promise(setImmediate);
    }
  }
}

const EVENTS: Readonly<Record<string, (machines: Machines, ms: number) => unknown>> = {
  "the host's clock is set": (machines, ms) => {
    machines.wall += ms;
  },
  "the machine sleeps": (machines, ms) => machines.sleep(Math.abs(ms)),
  "time passes": (machines, ms) => machines.pass(Math.abs(ms)),
  "Redis' clock is set, and then checked": async (machines, ms) => {
    machines.redis += ms;
    return machines.clock.check();
  },
};

const HOUR = 3_600_000;
const events = fc.array(
  fc.tuple(
    fc.constantFrom(...Object.keys(EVENTS)),
    fc.oneof(fc.integer({ min: -2 * HOUR, max: 2 * HOUR }), fc.integer({ min: -1_000, max: 1_000 })),
    fc.boolean(),
  ),
  { maxLength: 8 },
);
/** What is no step to the clock, it does not notice: a short sleep, and a small correction of Redis' clock. */
const UNNOTICED_MS = 2 * 1_000;

test("whatever happens, the clock is right after the sample it asks for, also when it happens during one", async () => {
  await fc.assert(
    fc.asyncProperty(events, fc.integer({ min: 0, max: 400 }), async (happening, latencyMs) => {
      const machines = new Machines();
      machines.latencyMs = latencyMs;
      await machines.clock.sample();
      for (const [what, ms, inSample] of happening) {
        const happens = (): unknown => EVENTS[what]?.(machines, ms);
        if (inSample) {
          machines.duringReading = happens;
          await machines.clock.sample();
        } else await happens();
        await machines.settle();
        expect(machines.error()).toBeLessThanOrEqual(UNNOTICED_MS + 3 * latencyMs + 1);
      }
    }),
  );
});

test("setting the host's clock changes nothing, not even for a moment", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: -2 * HOUR, max: 2 * HOUR })), async (steps) => {
      const machines = new Machines();
      await machines.clock.sample();
      for (const step of steps) {
        machines.wall += step;
        machines.pass(10);
        expect(machines.error()).toBeLessThanOrEqual(1);
      }
    }),
  );
});

test("a sample is asked for when the machine has slept for more than a second, once, and again when that fails", async () => {
  const machines = new Machines();
  await machines.clock.sample();
  machines.sleep(1_000);
  machines.clock.now();
  expect([machines.samples, machines.clock.isDue()]).toEqual([1, false]);
  machines.sleep(1);
  expect(machines.clock.isDue()).toBe(true);
  machines.duringReading = () => {
    throw new Error("Connection is closed.");
  };
  machines.clock.now();
  machines.clock.now();
  await new Promise(setImmediate);
  expect([machines.samples, machines.clock.isDue()]).toEqual([2, true]);
  await machines.settle();
  expect([machines.error(), machines.clock.isDue()]).toEqual([0, false]);
});

test("of two samples at the same time, the one that began last counts", async () => {
  const answers: ((time: number) => void)[] = [];
  let time = 0;
  const clock = clockOf({
    readRedis: async () => new Promise<number>((resolve) => answers.push(resolve)),
    monotonic: () => time,
    wall: () => time,
  });
  const answer = async (redisNow: number): Promise<void> => {
    answers.shift()?.(redisNow);
    await new Promise(setImmediate);
  };
  const first = clock.sample();
  time = 1;
  const second = clock.sample();
  // Readings alternate between the two; Redis' clock is set to 5,000 between them.
  for (let n = 0; n < 2; n += 1) {
    await answer(100);
    await answer(5_000);
  }
  const [last = () => undefined, lastOfSecond = () => undefined] = answers.splice(0);
  lastOfSecond(5_000);
  await second;
  last(100);
  await first;
  expect(clock.now()).toBe(5_000);
});

test("a sample is due every 10 s", async () => {
  const machines = new Machines();
  expect(machines.clock.isDue()).toBe(true);
  await machines.clock.sample();
  expect(machines.clock.isDue()).toBe(false);
  machines.pass(CLOCK_SAMPLE_MS);
  expect(machines.clock.isDue()).toBe(true);
});

test("how long Redis' clock has been steady counts from when it was seen to be set, by a check or a sample", async () => {
  const machines = new Machines();
  await machines.clock.sample();
  await machines.clock.check();
  expect(machines.clock.steadyMs()).toBe(Infinity);
  machines.redis += HOUR;
  await machines.clock.check();
  expect(machines.clock.steadyMs()).toBeLessThan(100);
  await machines.settle();
  machines.pass(5_000);
  await machines.clock.check();
  expect(machines.clock.steadyMs()).toBeGreaterThan(4_000);
  machines.redis -= HOUR;
  await machines.clock.sample();
  expect(machines.clock.steadyMs()).toBeLessThan(100);
});

test("an answer that took long is no sign that Redis' clock was set", async () => {
  const machines = new Machines();
  await machines.clock.sample();
  machines.latencyMs = 4_000;
  await machines.clock.check();
  expect([machines.clock.isDue(), machines.clock.steadyMs()]).toEqual([false, Infinity]);
});
