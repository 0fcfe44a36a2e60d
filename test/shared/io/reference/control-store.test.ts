import * as fc from "fast-check";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { controlOf, type Control } from "../../../../shared/decide/control.ts";
import { NO_EFFECTS } from "../../../../shared/function.ts";
import { commitOn } from "../../../../shared/io/commit/commit.ts";
import { pause, resume } from "../../../../shared/io/reference/control-store.ts";
import { keysOf, type Keys } from "../../../../shared/keys.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { connectRedis, contentsOf, scriptAccess } from "../../../servers/redis-contents.ts";

const NOTE = { by: "op", at: 5 };
/** An epoch ahead of Redis' clock. */
const AHEAD = 8_000_000_000_000_000;

let redis: Redis;
let keys: Keys;

beforeAll(() => {
  redis = connectRedis();
});
beforeEach(() => {
  keys = keysOf(freshPrefix());
});
afterAll(() => redis.disconnect());

const control = async (): Promise<Control> => controlOf(await redis.hgetall(keys.control));

it("a pause is in the control hash with who paused and when, until it is lifted", async () => {
  await pause(redis, keys, 7, NOTE);
  await pause(redis, keys, 8, { by: 'o"p', at: 6 });
  expect(await control()).toMatchObject({ allPaused: false, pausedStrategies: new Set([7, 8]) });
  expect(JSON.parse((await redis.hget(keys.control, "8")) ?? "")).toStrictEqual({ by: 'o"p', at: 6 });
  await resume(redis, keys, 7);
  expect(await control()).toMatchObject({ allPaused: false, pausedStrategies: new Set([8]) });
});

it("pausing all and pausing one do not undo each other", async () => {
  await pause(redis, keys, undefined, NOTE);
  await pause(redis, keys, 7, NOTE);
  await resume(redis, keys, 7);
  expect(await control()).toMatchObject({ allPaused: true, pausedStrategies: new Set() });
  await pause(redis, keys, 7, NOTE);
  await resume(redis, keys, undefined);
  expect(await control()).toMatchObject({ allPaused: false, pausedStrategies: new Set([7]) });
});

it("the epoch rises with every change, also with one that changes nothing", async () => {
  const epochs = ["0"];
  for (const change of [
    () => pause(redis, keys, 7, NOTE),
    () => pause(redis, keys, 7, NOTE),
    () => resume(redis, keys, 9),
  ]) {
    await change();
    const { epoch } = await control();
    expect(Number(epoch)).toBeGreaterThan(Number(epochs.at(-1)));
    epochs.push(epoch);
  }
  expect(epochs.slice(1).filter((epoch) => !/^\d{16}$/.test(epoch))).toStrictEqual([]);
});

it("each of many changes at once raises the epoch, by one where it is ahead of the clock", async () => {
  await redis.hset(keys.control, "epoch", AHEAD);
  await Promise.all(Array.from({ length: 30 }, (_, n) => pause(redis, keys, n, NOTE)));
  const { epoch, pausedStrategies } = await control();
  expect([epoch, pausedStrategies.size]).toStrictEqual([String(AHEAD + 30), 30]);
});

it("an epoch that was a plain counter continues to rise", async () => {
  await redis.hset(keys.control, "epoch", "3", "7", JSON.stringify(NOTE));
  const [seconds, microseconds] = await redis.time();
  await pause(redis, keys, 8, NOTE);
  const { epoch, pausedStrategies } = await control();
  expect(Number(epoch)).toBeGreaterThan(Number(seconds) * 1_000_000 + Number(microseconds));
  expect(pausedStrategies).toStrictEqual(new Set([7, 8]));
});

it("nothing decided before a pause or a resume can be committed after it", async () => {
  const commit = commitOn(redis, keys, { dedupTtlMs: 1000 });
  await redis.set(keys.referenceCurrent, "v1");
  const items = [{ id: "5-0", effects: NO_EFFECTS }];
  for (const change of [() => pause(redis, keys, undefined, NOTE), () => resume(redis, keys, undefined)]) {
    const { epoch } = await control();
    await change();
    const fence = { kind: "once", invocation: "run" } as const;
    const [part] = await commit(items, { fence, decidedOn: { version: "v1", epoch } });
    const now = (await control()).epoch;
    expect(now).not.toBe(epoch);
    expect(part?.answer).toStrictEqual({ status: "stale", version: "v1", epoch: now });
  }
});

it("nothing decided on pauses from before Redis was emptied can be committed after the next pause", async () => {
  const commit = commitOn(redis, keys, { dedupTtlMs: 1000 });
  await pause(redis, keys, 7, NOTE);
  const { epoch } = await control();
  await redis.del(keys.control);
  await pause(redis, keys, undefined, NOTE);
  await redis.set(keys.referenceCurrent, "v1");
  const fence = { kind: "once", invocation: "run" } as const;
  const [part] = await commit([{ id: "5-0", effects: NO_EFFECTS }], {
    fence,
    decidedOn: { version: "v1", epoch },
  });
  expect(part?.answer).toMatchObject({ status: "stale" });
});

const anyId = fc.constantFrom(undefined, 7, 8);
const anyStep = fc.oneof(
  fc.record({ what: fc.constantFrom("pause", "resume"), id: anyId }),
  // Back to any former state, as when Redis loses writes; the first is that of an emptied Redis.
  fc.record({ what: fc.constant("lose writes"), to: fc.nat() }),
);

it("an epoch never stands for different pauses, whatever Redis has lost meanwhile", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 2, maxLength: 12 }), async (steps) => {
      keys = keysOf(freshPrefix());
      const states: Record<string, string>[] = [{}];
      const seen = new Map([["0", controlOf({})]]);
      for (const step of steps) {
        if ("to" in step) {
          await redis.del(keys.control);
          const state = states[step.to % states.length] ?? {};
          if (Object.keys(state).length > 0) await redis.hset(keys.control, state);
        } else {
          await (step.what === "pause" ? pause(redis, keys, step.id, NOTE) : resume(redis, keys, step.id));
          const { epoch } = await control();
          expect(Number(epoch)).toBeGreaterThan(Math.max(...[...seen.keys()].map(Number)));
        }
        const now = await control();
        expect(now).toStrictEqual(seen.get(now.epoch) ?? now);
        seen.set(now.epoch, now);
        states.push(await redis.hgetall(keys.control));
      }
    }),
    { numRuns: 50 },
  );
});

it("a control key of another type is an error and does not change", async () => {
  await redis.set(keys.control, "x");
  const before = await contentsOf(redis, keys.prefix);
  await expect(pause(redis, keys, 7, NOTE)).rejects.toThrow("WRONGTYPE");
  await expect(resume(redis, keys, undefined)).rejects.toThrow("WRONGTYPE");
  expect(await contentsOf(redis, keys.prefix)).toStrictEqual(before);
});

it("an epoch that is not a number is an error, since decisions in progress would ignore the pause", async () => {
  await redis.hset(keys.control, "epoch", "x");
  const before = await contentsOf(redis, keys.prefix);
  await expect(pause(redis, keys, 7, NOTE)).rejects.toThrow("not an integer");
  expect(await contentsOf(redis, keys.prefix)).toStrictEqual(before);
});

it("a change touches only the key its script declares", async () => {
  const access = await scriptAccess(redis, keys.prefix, async () => {
    await pause(redis, keys, 7, NOTE);
    await resume(redis, keys, 7);
  });
  expect(access.undeclared).toStrictEqual([]);
  expect(access.touched).toBeGreaterThan(3);
});
