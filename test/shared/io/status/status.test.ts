import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { pause } from "../../../../shared/io/reference/control-store.ts";
import { readStatus } from "../../../../shared/io/status/status.ts";
import { ensureGroup } from "../../../../shared/io/streams/groups.ts";
import { STREAMS, keysOf, type Keys } from "../../../../shared/keys.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { addEntries, connectRedis, contentsOf } from "../../../servers/redis-contents.ts";

let redis: Redis;
let keys: Keys;

beforeAll(() => {
  redis = connectRedis();
});
beforeEach(() => {
  keys = keysOf(freshPrefix());
});
afterAll(() => redis.disconnect());

it("a router that never ran has only streams of length 0, and reading the status creates no key", async () => {
  const status = await readStatus(redis, keys);
  expect(status).toMatchObject({
    streams: STREAMS.map((name) => ({ name, length: 0, groups: [] })),
    reference: { version: null, confirmedAt: null },
  });
  expect([status.paused, status.metrics]).toStrictEqual([{}, {}]);
  expect(await contentsOf(redis, keys.prefix)).toStrictEqual({});
});

it("groups are shown with what they have not read and not acknowledged, and whether they are the router's own", async () => {
  const key = keys.stream("signals_stream");
  await addEntries(redis, key, 5);
  await ensureGroup(redis, keys, "signals_stream", "signal_processor");
  await redis.xgroup("CREATE", key, "log_writer", "$");
  for (const consumer of ["a", "b"]) {
    await redis.xreadgroup("GROUP", "signal_processor", consumer, "COUNT", 1, "STREAMS", key, ">");
  }
  const { streams } = await readStatus(redis, keys);
  const found = streams.find(({ name }) => name === "signals_stream");
  expect(found?.length).toBe(5);
  expect(found?.groups).toMatchObject([
    { name: "log_writer", consumers: 0, pending: 0, lag: 0, own: false },
    { name: "signal_processor", consumers: 2, pending: 2, lag: 3, own: true },
  ]);
});

it.each([
  { count: 3, lag: 1 },
  { count: 150, lag: null },
])("of $count entries, a lag that Redis does not know is $lag", async ({ count, lag }) => {
  const key = keys.stream("signal_results");
  await ensureGroup(redis, keys, "signal_results", "log_writer");
  const ids = await addEntries(redis, key, count);
  await redis.xgroup("SETID", key, "log_writer", ids[0] ?? "");
  await redis.xdel(key, ids[1] ?? "");
  const { streams } = await readStatus(redis, keys);
  const groups = streams.find(({ name }) => name === "signal_results")?.groups;
  expect(groups).toMatchObject([{ name: "log_writer", lag, own: true }]);
});

it("the group that notifies is one of the router's own", async () => {
  await ensureGroup(redis, keys, "signal_results", "notifier");
  const { streams } = await readStatus(redis, keys);
  const groups = streams.find(({ name }) => name === "signal_results")?.groups;
  expect(groups).toMatchObject([{ name: "notifier", own: true }]);
});

it("an outcome stream is shown under its own name, with the router's group", async () => {
  const name = `${freshPrefix()}signal_log_queue`;
  const own = keysOf(keys.prefix, { outcomeStreams: [name] });
  for (const stream of own.outcomeStreams) await ensureGroup(redis, own, stream, "outcome_collector");
  await redis.xadd(name, "*", "a", "b");
  const { streams } = await readStatus(redis, own);
  await redis.del(name);
  expect(streams.find((stream) => stream.name === name)).toMatchObject({
    length: 1,
    groups: [{ name: "outcome_collector", own: true, lag: 1 }],
  });
});

it("an empty stream is shown with its groups", async () => {
  await ensureGroup(redis, keys, "system_events", "log_writer");
  const { streams } = await readStatus(redis, keys);
  const found = streams.find(({ name }) => name === "system_events");
  expect([found?.length, found?.groups.map(({ name }) => name)]).toStrictEqual([0, ["log_writer"]]);
});

it("the snapshot, who is paused, the counters and Redis' clock are shown", async () => {
  await redis.mset(keys.referenceCurrent, "v1", keys.referenceConfirmedAt, "1767323045000");
  await pause(redis, keys, undefined, { by: "op", at: 1 });
  await pause(redis, keys, 7, { by: "op", at: 2 });
  await redis.hset(keys.metrics, "signals:dispatched", "12", "strategy:7:ignored", "3");
  const before = Date.now();
  const status = await readStatus(redis, keys);
  expect(status).toMatchObject({
    reference: { version: "v1", confirmedAt: 1_767_323_045_000 },
    paused: { "*": '{"by":"op","at":1}', "7": '{"by":"op","at":2}' },
    metrics: { "signals:dispatched": 12, "strategy:7:ignored": 3 },
  });
  expect(status.paused).not.toHaveProperty("epoch");
  expect(Math.abs(status.now - before)).toBeLessThan(10_000);
});

it("what is wrong with the reference is shown, of its current version only", async () => {
  const { referenceCurrent, referenceFailures } = keys;
  const shown = async () => (await readStatus(redis, keys)).reference;
  await redis.set(referenceCurrent, "v1");
  const fault = { table: "tickers", row: "BTC", column: "status", value: "NULL" };
  const faults = JSON.stringify({ count: 7, named: [fault] });
  await redis.hset(keys.reference("v1", "meta"), "format", "99", "faults", faults);
  await redis.hset(
    referenceFailures,
    "count",
    "2",
    "error",
    "no table",
    "damaged",
    "v1",
    "damage",
    "was altered",
  );
  expect(await shown()).toMatchObject({
    faults: { count: 7, named: [{ ...fault, effect: expect.stringContaining("disabled") }] },
    failures: { count: 2, error: "no table" },
    damage: "was altered",
    newerFormat: { format: 99 },
  });
  await redis.hset(keys.reference("v1", "meta"), "faults", '{"of":"another form"}', "format", "x");
  await redis.hdel(referenceFailures, "count");
  expect(await shown()).toEqual({ version: "v1", confirmedAt: null, damage: "was altered" });
  await redis.set(referenceCurrent, "v2");
  await redis.set(keys.reference("v2", "meta"), "of another type");
  expect(await shown()).toEqual({ version: "v2", confirmedAt: null });
});
