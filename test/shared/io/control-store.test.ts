import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { controlOf, type Control } from "../../../shared/control.ts";
import { NO_EFFECTS } from "../../../shared/function.ts";
import { commitOn } from "../../../shared/io/commit.ts";
import { pause, resume } from "../../../shared/io/control-store.ts";
import { keysOf, type Keys } from "../../../shared/keys.ts";
import { freshPrefix } from "../../servers/fixtures.ts";
import { connectRedis, contentsOf } from "../../servers/redis-contents.ts";

const NOTE = { by: "op", at: 5 };

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

it("a pause is in the control hash with who did it and when, until it is taken back", async () => {
  await pause(redis, keys, 7, NOTE);
  await pause(redis, keys, 8, { by: 'o"p', at: 6 });
  expect(await control()).toStrictEqual({ epoch: "2", allPaused: false, pausedStrategies: new Set([7, 8]) });
  expect(JSON.parse((await redis.hget(keys.control, "8")) ?? "")).toStrictEqual({ by: 'o"p', at: 6 });
  await resume(redis, keys, 7);
  expect(await control()).toStrictEqual({ epoch: "3", allPaused: false, pausedStrategies: new Set([8]) });
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
  await pause(redis, keys, 7, NOTE);
  await pause(redis, keys, 7, NOTE);
  await resume(redis, keys, 9);
  expect((await control()).epoch).toBe("3");
});

it("many changes at once each raise the epoch", async () => {
  await Promise.all(Array.from({ length: 30 }, (_, n) => pause(redis, keys, n, NOTE)));
  const { epoch, pausedStrategies } = await control();
  expect([epoch, pausedStrategies.size]).toStrictEqual(["30", 30]);
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
    expect(part?.answer).toStrictEqual({ status: "stale", version: "v1", epoch: String(Number(epoch) + 1) });
  }
});

it("a control key of another type is an error and stays as it is", async () => {
  await redis.set(keys.control, "x");
  const before = await contentsOf(redis, keys.prefix);
  await expect(pause(redis, keys, 7, NOTE)).rejects.toThrow("WRONGTYPE");
  await expect(resume(redis, keys, undefined)).rejects.toThrow("WRONGTYPE");
  expect(await contentsOf(redis, keys.prefix)).toStrictEqual(before);
});

it("an epoch that is no number is an error, since the pause would not reach decisions under way", async () => {
  await redis.hset(keys.control, "epoch", "x");
  await expect(pause(redis, keys, 7, NOTE)).rejects.toThrow("not an integer");
});
