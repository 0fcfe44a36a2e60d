import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createGroup, ensureGroup } from "../../../../shared/io/streams/groups.ts";
import { streamGroupOn } from "../../../../shared/io/streams/stream-group.ts";
import { GROUPS, keysOf, type GroupName, type Keys, type StreamName } from "../../../../shared/keys.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { addEntries, connectRedis, contentsOf, scriptAccess } from "../../../servers/redis-contents.ts";

let redis: Redis;
let keys: Keys;

beforeAll(() => {
  redis = connectRedis();
});
beforeEach(() => {
  keys = keysOf(freshPrefix());
});
afterAll(() => redis.disconnect());

const ensure = (stream: StreamName, group: GroupName) => ensureGroup(redis, keys, stream, group);

/** Ids that a new consumer of the group reads. */
async function readable(stream: StreamName, group: GroupName): Promise<string[]> {
  const reader = streamGroupOn(redis, keys, { stream, group, consumer: "c" });
  return (await reader.read(redis, { countMax: 100, blockMs: 0 })).map(({ id }) => id);
}

describe.each(GROUPS)("the group $group of $stream", ({ stream, group }) => {
  it("is created with the stream, and found afterwards", async () => {
    expect(await ensure(stream, group)).toStrictEqual({ state: "created" });
    expect(await ensure(stream, group)).toStrictEqual({ state: "exists" });
    const ids = await addEntries(redis, keys.stream(stream), 2);
    expect(await readable(stream, group)).toStrictEqual(ids);
  });

  it("is lost when it existed before and no longer does, while its stream still does", async () => {
    await ensure(stream, group);
    await addEntries(redis, keys.stream(stream), 2);
    await redis.xgroup("DESTROY", keys.stream(stream), group);
    const before = await contentsOf(redis, keys.prefix);
    expect(await ensure(stream, group)).toStrictEqual({ state: "lost" });
    expect(await ensure(stream, group)).toStrictEqual({ state: "lost" });
    expect(await contentsOf(redis, keys.prefix)).toStrictEqual(before);
  });

  it("is lost also when its stream is empty", async () => {
    await ensure(stream, group);
    await redis.xgroup("DESTROY", keys.stream(stream), group);
    expect(await ensure(stream, group)).toStrictEqual({ state: "lost" });
  });

  it("is created again at the start when its stream no longer exists either", async () => {
    await ensure(stream, group);
    await redis.del(keys.stream(stream), keys.groups);
    expect(await ensure(stream, group)).toStrictEqual({ state: "created" });
    await redis.del(keys.stream(stream));
    expect(await ensure(stream, group)).toStrictEqual({ state: "created" });
    const ids = await addEntries(redis, keys.stream(stream), 1);
    expect(await readable(stream, group)).toStrictEqual(ids);
  });

  it("is remembered also when another program created it", async () => {
    await redis.xgroup("CREATE", keys.stream(stream), group, "$", "MKSTREAM");
    expect(await ensure(stream, group)).toStrictEqual({ state: "exists" });
    await redis.xgroup("DESTROY", keys.stream(stream), group);
    expect(await ensure(stream, group)).toStrictEqual({ state: "lost" });
  });

  it("is never called lost by many processes that start at once, and created by one of them", async () => {
    const connections = Array.from({ length: 12 }, () => connectRedis());
    const states = await Promise.all(
      connections.flatMap((connection) =>
        Array.from({ length: 5 }, async () => (await ensureGroup(connection, keys, stream, group)).state),
      ),
    );
    expect(states.filter((state) => state === "created")).toHaveLength(1);
    expect(states.filter((state) => state === "exists")).toHaveLength(59);
    connections.forEach((connection) => connection.disconnect());
  });

  it("does not change a key of another type that stands for its stream", async () => {
    await redis.set(keys.stream(stream), "x");
    await expect(ensure(stream, group)).rejects.toThrow("WRONGTYPE");
    expect(await redis.exists(keys.groups)).toBe(0);
  });

  it("is created by a script that touches only the keys it declares", async () => {
    const access = await scriptAccess(redis, keys.prefix, async () => {
      await ensure(stream, group);
      await ensure(stream, group);
      await redis.xgroup("DESTROY", keys.stream(stream), group);
      await ensure(stream, group);
    });
    expect(access.undeclared).toStrictEqual([]);
    expect(access.touched).toBeGreaterThan(5);
  });

  it.each([
    { from: "0", readableOf: (ids: string[]) => ids },
    { from: "$", readableOf: () => [] },
    { from: "after the first", readableOf: (ids: string[]) => ids.slice(1) },
  ])("continues from $from once a person has chosen that", async ({ from, readableOf }) => {
    await ensure(stream, group);
    const ids = await addEntries(redis, keys.stream(stream), 3);
    await redis.xgroup("DESTROY", keys.stream(stream), group);
    await createGroup(redis, keys, {
      stream,
      group,
      from: from === "after the first" ? (ids[0] ?? "") : from,
    });
    expect(await ensure(stream, group)).toStrictEqual({ state: "exists" });
    expect(await readable(stream, group)).toStrictEqual(readableOf(ids));
    await redis.xgroup("DESTROY", keys.stream(stream), group);
    expect(await ensure(stream, group)).toStrictEqual({ state: "lost" });
  });
});

describe("a new group of a stream that already holds entries", () => {
  const early = GROUPS.filter(({ group }) => group !== "strategy_executor");

  it.each(early)("$group of $stream reads what was published before it", async ({ stream, group }) => {
    const ids = await addEntries(redis, keys.stream(stream), 3);
    expect(await ensure(stream, group)).toStrictEqual({ state: "created" });
    expect(await readable(stream, group)).toStrictEqual(ids);
  });

  it("strategy_executor starts at the end of the tasks and says how many it skips", async () => {
    const stream = "strategy_input_stream";
    await addEntries(redis, keys.stream(stream), 3);
    expect(await ensure(stream, "strategy_executor")).toStrictEqual({ state: "created_at_end", skipped: 3 });
    expect(await readable(stream, "strategy_executor")).toStrictEqual([]);
    const ids = await addEntries(redis, keys.stream(stream), 2);
    expect(await ensure(stream, "strategy_executor")).toStrictEqual({ state: "exists" });
    expect(await readable(stream, "strategy_executor")).toStrictEqual(ids);
  });

  it("one group of two streams is lost on one of them only", async () => {
    await ensure("signal_results", "log_writer");
    await addEntries(redis, keys.stream("system_events"), 1);
    expect(await ensure("system_events", "log_writer")).toStrictEqual({ state: "created" });
    await redis.xgroup("DESTROY", keys.stream("system_events"), "log_writer");
    expect(await ensure("system_events", "log_writer")).toStrictEqual({ state: "lost" });
    expect(await ensure("signal_results", "log_writer")).toStrictEqual({ state: "exists" });
  });

  it("groups of other services do not count", async () => {
    await addEntries(redis, keys.stream("signals_stream"), 1);
    await redis.xgroup("CREATE", keys.stream("signals_stream"), "signal_processor2", "0");
    expect(await ensure("signals_stream", "signal_processor")).toStrictEqual({ state: "created" });
  });
});

describe("the notifier", () => {
  const stream = "signal_results";

  it("starts at the end, also of a stream that does not exist yet, and skipped entries are not reported", async () => {
    expect(await ensure(stream, "notifier")).toStrictEqual({ state: "created" });
    const ids = await addEntries(redis, keys.stream(stream), 2);
    expect(await readable(stream, "notifier")).toStrictEqual(ids);
    await redis.xgroup("DESTROY", keys.stream(stream), "notifier");
    expect(await ensure(stream, "notifier")).toStrictEqual({ state: "created" });
    expect(await readable(stream, "notifier")).toStrictEqual([]);
  });

  it("is never lost: it is created again at the end", async () => {
    await ensure(stream, "notifier");
    await ensure(stream, "notifier");
    await addEntries(redis, keys.stream(stream), 2);
    await redis.xgroup("DESTROY", keys.stream(stream), "notifier");
    expect(await ensure(stream, "notifier")).toStrictEqual({ state: "created" });
    const ids = await addEntries(redis, keys.stream(stream), 1);
    expect(await readable(stream, "notifier")).toStrictEqual(ids);
  });
});

describe("choosing where a group continues", () => {
  it("is remembered also for a group that never existed", async () => {
    const chosen = { stream: "signals_stream", group: "signal_processor", from: "0" } as const;
    await createGroup(redis, keys, chosen);
    await redis.xgroup("DESTROY", keys.stream("signals_stream"), "signal_processor");
    expect(await ensure("signals_stream", "signal_processor")).toStrictEqual({ state: "lost" });
  });

  it("does not move an existing group", async () => {
    await ensure("signals_stream", "signal_processor");
    const lost = { stream: "signals_stream", group: "signal_processor", from: "$" } as const;
    await expect(createGroup(redis, keys, lost)).rejects.toThrow("BUSYGROUP");
  });

  it("refuses a malformed position and leaves the group lost", async () => {
    await ensure("signals_stream", "signal_processor");
    await redis.xgroup("DESTROY", keys.stream("signals_stream"), "signal_processor");
    const lost = { stream: "signals_stream", group: "signal_processor", from: "yesterday" } as const;
    await expect(createGroup(redis, keys, lost)).rejects.toThrow("Invalid stream ID");
    expect(await ensure("signals_stream", "signal_processor")).toStrictEqual({ state: "lost" });
  });
});
