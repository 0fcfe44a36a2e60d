import type { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { commitOn } from "../../../../shared/io/commit/commit.ts";
import { deadLettersOn, type DeadLetters } from "../../../../shared/io/streams/dead-letters.ts";
import { keysOf, type Keys } from "../../../../shared/keys.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { addEntries, connectRedis, fieldsIn } from "../../../servers/redis-contents.ts";

let redis: Redis;
let keys: Keys;
let deadLetters: DeadLetters;
beforeEach(() => {
  redis = connectRedis();
  keys = keysOf(freshPrefix());
  deadLetters = deadLettersOn(redis, keys);
});
afterEach(() => {
  redis.disconnect();
});

const add = async (count: number) => addEntries(redis, keys.stream("dead_letters"), count);

describe("dead letters", () => {
  test("are read in pages from either end, each once", async () => {
    const ids = await add(5);
    for (const newestFirst of [false, true]) {
      const seen: string[] = [];
      for (let left = 3; left > 0; left -= 1) {
        const after = seen.at(-1);
        const page = { countMax: 2, newestFirst, ...(after === undefined ? {} : { after }) };
        seen.push(...(await deadLetters.page(page)).map(({ id }) => id));
      }
      expect(seen).toEqual(newestFirst ? ids.toReversed() : ids);
    }
    expect(await deadLetters.count()).toBe(5);
  });

  test("that are added while all are read are not among them", async () => {
    const ids = await add(250);
    const seen: string[] = [];
    for await (const stored of deadLetters.chosen("all")) {
      seen.push(typeof stored === "string" ? "gone" : stored.id);
      await add(1);
    }
    expect(seen).toEqual(ids);
    expect(await deadLetters.count()).toBe(500);
  });

  test("chosen by id come in that order, each once, or as the id when there is none", async () => {
    const [first = "", second = ""] = await add(2);
    const seen: unknown[] = [];
    for await (const stored of deadLetters.chosen([second, "1-1", first, second])) seen.push(stored);
    expect(seen).toMatchObject([{ id: second }, "1-1", { id: first }]);
  });

  test("are discarded once, each with the event that records it", async () => {
    const [id = ""] = await add(1);
    const stored = await deadLetters.get(id);
    if (stored === undefined) throw new Error("there is no such dead letter");
    const commit = commitOn(redis, keys, { dedupTtlMs: 60_000 });
    const note = { by: "ann", at: Date.now() };
    const answers = await Promise.all([1, 2].map(async () => deadLetters.discard(commit, stored, note)));
    expect(answers.filter((became) => became === "discarded")).toHaveLength(1);
    expect(await deadLetters.get(id)).toBeUndefined();
    expect(await fieldsIn(redis, keys.stream("system_events"))).toMatchObject([{ level: "WARNING" }]);
  });

  test("are not discarded, with the key named, when the event cannot be written", async () => {
    const [id = ""] = await add(1);
    const stored = await deadLetters.get(id);
    if (stored === undefined) throw new Error("there is no such dead letter");
    await redis.set(keys.stream("system_events"), "something else");
    const commit = commitOn(redis, keys, { dedupTtlMs: 60_000 });
    await expect(deadLetters.discard(commit, stored, { by: "ann", at: 0 })).rejects.toThrow(
      /system_events is a string.*nothing was discarded/,
    );
    expect(await deadLetters.count()).toBe(1);
  });
});
