import { afterAll, beforeEach, expect, test } from "vitest";
import { deadLetterEffects } from "../../../../shared/dead-letter.ts";
import type { Fields } from "../../../../shared/entry.ts";
import { deadLettersOf, recordsOf } from "../../../../shared/io/streams/entry-traces.ts";
import { keysOf, type Keys, type StreamName } from "../../../../shared/keys.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { connectRedis } from "../../../servers/redis-contents.ts";
import { logged, ran } from "../log/logged.ts";

const redis = connectRedis();
afterAll(() => redis.disconnect());

let keys: Keys;
beforeEach(() => {
  keys = keysOf(freshPrefix());
});

const flat = (fields: Fields) => Object.entries(fields).flat();
const add = async (stream: StreamName, fields: Fields, id = "*") =>
  String(await redis.xadd(keys.stream(stream), id, ...flat(fields)));

async function addLetter(stream: StreamName, entryId: string, fields: Fields, id = "*"): Promise<string> {
  const origin = { stream, functionName: "f", deliveries: 5, at: 0 };
  const dead = { id: entryId, status: "dead", reason: "r", error: "e" } as const;
  const effects = deadLetterEffects({ id: entryId, fields }, dead, origin);
  return add("dead_letters", effects.append[0]?.fields ?? {}, id);
}

const record = (kind: "signal" | "outcome", entryId: string, invocation = "live") => {
  const { record: data } = kind === "signal" ? logged(entryId) : ran(entryId);
  return { kind, entry_id: entryId, invocation, data: JSON.stringify(data) };
};

/** Adds many entries at once. */
async function fill(stream: StreamName, count: number, fields: (n: number) => Fields): Promise<void> {
  const pipeline = redis.pipeline();
  for (let n = 0; n < count; n += 1) pipeline.xadd(keys.stream(stream), "*", ...flat(fields(n)));
  await pipeline.exec();
}

test("an entry's dead letters are its own and those of its records and tasks, on whichever page", async () => {
  await addLetter("signals_stream", "5-1", {});
  const own = await addLetter("signals_stream", "5-0", { entry_id: "7-7" });
  await fill("dead_letters", 150, () => ({ note: "not one of the router's" }));
  const ofRecord = await addLetter("signal_results", "900-0", record("signal", "5-0"));
  await addLetter("system_events", "5-0", {});
  const ofTask = await addLetter("strategy_input_stream", "5-0", { entry_id: "6-0" });
  const { found, complete } = await deadLettersOf(redis, keys, ["5-0", "6-0"]);
  expect(complete).toBe(true);
  expect(found.map(({ signalEntryId, letter }) => [signalEntryId, letter.id])).toEqual([
    ["5-0", own],
    ["5-0", ofRecord],
    ["6-0", ofTask],
  ]);
});

test("what is older than the entry is not read, except for the same millisecond", async () => {
  await addLetter("signals_stream", "1000-3", {}, "999-99");
  const sameTime = await addLetter("signals_stream", "1000-3", {}, "1000-0");
  const { found } = await deadLettersOf(redis, keys, ["1000-3", "5000-0"]);
  expect(found.map(({ letter }) => letter.id)).toEqual([sameTime]);
});

test("the records about an entry are found among others; entries that are not records are left out", async () => {
  await fill("signal_results", 150, (n) => record("signal", `6-${n}`));
  await add("signal_results", record("signal", "5-0"));
  await add("signal_results", record("outcome", "5-0", "a run"));
  await add("signal_results", { ...record("outcome", "5-0"), data: "{" });
  const { found, complete } = await recordsOf(redis, keys, "5-0");
  expect(complete).toBe(true);
  expect(found).toEqual({
    signals: [logged("5-0")],
    attempts: [],
    outcomes: [{ ...ran("5-0"), invocation: "a run" }],
  });
});

test("a scan that reaches its limit says so", async () => {
  await fill("signal_results", 2_000, (n) => ({ n: String(n) }));
  await add("signal_results", record("signal", "5-0"));
  expect(await recordsOf(redis, keys, "5-0")).toEqual({
    found: { signals: [], attempts: [], outcomes: [] },
    complete: false,
  });
});

test("a scan is complete when there is nothing to find, or nothing wanted", async () => {
  expect(await deadLettersOf(redis, keys, [])).toEqual({ found: [], complete: true });
  expect(await deadLettersOf(redis, keys, ["5-0"])).toEqual({ found: [], complete: true });
  expect((await recordsOf(redis, keys, "0-0")).complete).toBe(true);
});
