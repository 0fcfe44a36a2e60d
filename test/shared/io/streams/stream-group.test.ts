import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { commitOn } from "../../../../shared/io/commit/commit.ts";
import { openRedis } from "../../../../shared/io/redis/connection.ts";
import {
  GroupMissingError,
  streamGroupOn,
  type StreamGroup,
} from "../../../../shared/io/streams/stream-group.ts";
import { keysOf, type Keys } from "../../../../shared/keys.ts";
import { freshPrefix, redisUrl } from "../../../servers/fixtures.ts";
import { addEntries, connectRedis, contentsOf, scriptAccess } from "../../../servers/redis-contents.ts";

const STREAM = "signals_stream";
const GROUP = "signal_processor";

let redis: Redis;
let blocking: Redis;
let keys: Keys;
let key: string;
let mine: StreamGroup;
let other: StreamGroup;

function groupOf(consumer: string, connection = redis): StreamGroup {
  return streamGroupOn(connection, keys, { stream: STREAM, group: GROUP, consumer });
}

/** Adds entries and delivers them to `mine`. */
async function deliver(count: number): Promise<string[]> {
  const ids = await addEntries(redis, key, count);
  await mine.read(blocking, { countMax: count, blockMs: 0 });
  return ids;
}

/** Lets the entries look as if they had been idle for this long, with so many deliveries. */
async function age(ids: readonly string[], idleMs: number, deliveries = 1): Promise<void> {
  await redis.xclaim(
    ...([key, GROUP, "mine", 0, ...ids, "IDLE", idleMs, "RETRYCOUNT", deliveries, "JUSTID"] as const),
  );
}

const pending = (idleMs = 0) => mine.pending({ idleMs, countMax: 1000 });

beforeAll(() => {
  redis = connectRedis();
  blocking = openRedis({
    url: redisUrl(),
    role: "blocking",
    name: "test-blocking",
    blockMs: 10_000,
    onError(error) {
      throw error;
    },
  });
});
beforeEach(async () => {
  keys = keysOf(freshPrefix());
  key = keys.stream(STREAM);
  await redis.xgroup("CREATE", key, GROUP, "0", "MKSTREAM");
  mine = groupOf("mine");
  other = groupOf("other");
});
afterAll(() => {
  blocking.disconnect();
  redis.disconnect();
});

describe("read", () => {
  it("gives new entries once, in order, no more than asked for", async () => {
    const ids = await addEntries(redis, key, 5);
    const first = await mine.read(blocking, { countMax: 3, blockMs: 0 });
    const rest = await other.read(blocking, { countMax: 3, blockMs: 0 });
    expect([...first, ...rest]).toStrictEqual(ids.map((id, n) => ({ id, fields: { n: String(n) } })));
    expect(first).toHaveLength(3);
    expect(await mine.read(blocking, { countMax: 3, blockMs: 0 })).toStrictEqual([]);
    expect((await pending()).map(({ consumer }) => consumer)).toStrictEqual([
      "mine",
      "mine",
      "mine",
      "other",
      "other",
    ]);
  });

  it("waits for entries that are not there yet", async () => {
    const reading = mine.read(blocking, { countMax: 3, blockMs: 10_000 });
    await vi.waitFor(async () => {
      expect(await redis.client("LIST")).toMatch(/name=test-blocking .*cmd=xreadgroup/);
    });
    const [id] = await addEntries(redis, key, 1);
    expect(await reading).toStrictEqual([{ id, fields: { n: "0" } }]);
  });

  it("gives nothing after waiting in vain", async () => {
    expect(await mine.read(blocking, { countMax: 3, blockMs: 10 })).toStrictEqual([]);
  });

  it("gives binary garbage, empty and dangerous names as what they are", async () => {
    const garbage = Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x0d, 0x0a]);
    const names = ["__proto__", "constructor", "", "toString", "1"];
    const id = await redis.xadd(key, "*", ...names.flatMap((name) => [name, `v${name}`]), "g", garbage);
    const [entry] = await mine.read(blocking, { countMax: 1, blockMs: 0 });
    expect(entry?.id).toBe(id);
    expect(Object.entries(entry?.fields ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))).toStrictEqual([
      ["", "v"],
      ["1", "v1"],
      ["__proto__", "v__proto__"],
      ["constructor", "vconstructor"],
      ["g", garbage.toString("utf8")],
      ["toString", "vtoString"],
    ]);
    expect(Object.getPrototypeOf(entry?.fields)).toBe(Object.prototype);
  });
});

describe("a missing group", () => {
  const calls: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["read", () => mine.read(blocking, { countMax: 1, blockMs: 0 })],
    ["a waiting read", () => mine.read(blocking, { countMax: 1, blockMs: 1000 })],
    ["pending", () => pending()],
    ["claim", () => mine.claim("1-1", 0)],
    ["keep", () => mine.extend(["1-1"])],
  ];

  it.each(calls)("is named by %s when the group is gone", async (_, call) => {
    await redis.xgroup("DESTROY", key, GROUP);
    await expect(call()).rejects.toThrow(GroupMissingError);
  });

  it.each(calls)("is named by %s when the stream is gone", async (_, call) => {
    await redis.del(key);
    await expect(call()).rejects.toThrow(GroupMissingError);
    expect(await redis.exists(key)).toBe(0);
  });

  it.each(["DEL", "XGROUP DESTROY"])("ends a read that waits while %s takes it away", async (how) => {
    const reading = mine.read(blocking, { countMax: 1, blockMs: 10_000 }).catch((error: unknown) => error);
    await vi.waitFor(async () => {
      expect(await redis.client("LIST")).toMatch(/name=test-blocking .*cmd=xreadgroup/);
    });
    await (how === "DEL" ? redis.del(key) : redis.xgroup("DESTROY", key, GROUP));
    expect(await reading).toBeInstanceOf(GroupMissingError);
  });

  it("is not what a key of another type is called", async () => {
    await redis.del(key);
    await redis.set(key, "x");
    const error = await mine.read(blocking, { countMax: 1, blockMs: 0 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: expect.stringContaining("WRONGTYPE") });
    expect(error).not.toBeInstanceOf(GroupMissingError);
  });
});

describe("pending", () => {
  it("gives who has what, for how long, and how often it was delivered", async () => {
    const [a = "", b = ""] = await deliver(2);
    await age([a], 50_000, 4);
    expect(await pending()).toStrictEqual([
      { id: a, consumer: "mine", idleMs: expect.any(Number), deliveries: 4 },
      { id: b, consumer: "mine", idleMs: expect.any(Number), deliveries: 1 },
    ]);
    const [found, ...more] = await pending(40_000);
    expect(more).toStrictEqual([]);
    expect(found?.id).toBe(a);
    expect(found?.idleMs).toBeGreaterThanOrEqual(50_000);
    expect(found?.idleMs).toBeLessThan(80_000);
  });

  it("goes on after an id, so that pages show each entry once", async () => {
    const ids = await deliver(7);
    const seen: string[] = [];
    for (let after: string | undefined; ; after = seen.at(-1)) {
      const page = await mine.pending({ idleMs: 0, countMax: 3, ...(after === undefined ? {} : { after }) });
      seen.push(...page.map(({ id }) => id));
      if (page.length < 3) break;
    }
    expect(seen).toStrictEqual(ids);
  });
});

describe("claim", () => {
  it("takes an idle entry over with its fields and counts a delivery", async () => {
    const [id = ""] = await deliver(1);
    await age([id], 50_000, 2);
    expect(await other.claim(id, 40_000)).toStrictEqual({
      status: "claimed",
      entry: { id, fields: { n: "0" } },
    });
    const [row] = await pending();
    expect(row).toMatchObject({ consumer: "other", deliveries: 3 });
    expect(row?.idleMs).toBeLessThan(30_000);
  });

  it("leaves an entry that is not idle for long enough alone", async () => {
    const [id = ""] = await deliver(1);
    await age([id], 20_000, 2);
    expect(await other.claim(id, 40_000)).toStrictEqual({ status: "taken" });
    expect(await pending()).toMatchObject([{ consumer: "mine", deliveries: 2 }]);
  });

  it("gives nothing for an entry that is acknowledged or was never delivered", async () => {
    const [id = ""] = await deliver(1);
    await redis.xack(key, GROUP, id);
    const [undelivered = ""] = await addEntries(redis, key, 1);
    expect([await other.claim(id, 0), await other.claim(undelivered, 0)]).toStrictEqual([
      { status: "taken" },
      { status: "taken" },
    ]);
    expect(await pending()).toStrictEqual([]);
  });

  it("is won by one of many who try at once, and counts one delivery", async () => {
    const ids = await deliver(20);
    await age(ids, 50_000);
    const connections = Array.from({ length: 10 }, () => connectRedis());
    const claims = await Promise.all(
      connections.flatMap((connection, n) => {
        const group = groupOf(`c${n}`, connection);
        return ids.map(async (id) => group.claim(id, 40_000));
      }),
    );
    const won = claims.flatMap((claimed) => (claimed.status === "claimed" ? [claimed.entry.id] : []));
    expect(won).toHaveLength(ids.length);
    expect(new Set(won)).toStrictEqual(new Set(ids));
    expect((await pending()).map(({ deliveries }) => deliveries)).toStrictEqual(ids.map(() => 2));
    connections.forEach((connection) => connection.disconnect());
  });

  it("of entries kept fresh never succeeds", async () => {
    const [kept = "", left = ""] = await deliver(2);
    await age([kept, left], 50_000);
    await mine.extend([kept]);
    expect(await other.claim(kept, 40_000)).toStrictEqual({ status: "taken" });
    expect(await other.claim(left, 40_000)).toMatchObject({ status: "claimed", entry: { id: left } });
  });
});

describe("claim of an entry that is not in the stream any more", () => {
  it("says that it is gone and leaves it pending, so that somebody can account for it", async () => {
    const [deleted = ""] = await deliver(1);
    // The other way round it would be out of the pending list already: claiming does that.
    await age([deleted], 50_000);
    await redis.xdel(key, deleted);
    expect(await other.claim(deleted, 60_000)).toStrictEqual({ status: "taken" });
    expect(await other.claim(deleted, 40_000)).toStrictEqual({ status: "gone" });
    expect(await pending()).toMatchObject([{ id: deleted }]);
    await redis.xack(key, GROUP, deleted);
    expect(await other.claim(deleted, 40_000)).toStrictEqual({ status: "taken" });
  });
});

describe("uncount", () => {
  it("takes a delivery back for its own entries only", async () => {
    const [own = "", foreign = ""] = await deliver(2);
    await age([own, foreign], 50_000, 3);
    await other.claim(own, 40_000);
    await other.restoreDeliveryCount(own, 3);
    await other.restoreDeliveryCount(foreign, 1);
    expect(await pending()).toMatchObject([
      { id: own, consumer: "other", deliveries: 3 },
      { id: foreign, consumer: "mine", deliveries: 3 },
    ]);
  });
});

describe("keep", () => {
  it("makes entries look fresh and counts no delivery", async () => {
    const ids = await deliver(3);
    await age(ids, 50_000, 2);
    expect(await mine.extend(ids)).toStrictEqual([]);
    const rows = await pending();
    expect(rows.map(({ id, consumer, deliveries }) => [id, consumer, deliveries])).toStrictEqual(
      ids.map((id) => [id, "mine", 2]),
    );
    for (const { idleMs } of rows) expect(idleMs).toBeLessThan(30_000);
  });

  it("names entries that others took over or that are acknowledged, and takes none of them back", async () => {
    const [own = "", taken = "", acknowledged = ""] = await deliver(3);
    await age([own, taken, acknowledged], 50_000);
    await other.claim(taken, 40_000);
    await redis.xack(key, GROUP, acknowledged);
    expect(await mine.extend([own, taken, acknowledged, "99-99"])).toStrictEqual([
      taken,
      acknowledged,
      "99-99",
    ]);
    expect(await pending()).toMatchObject([
      { id: own, consumer: "mine", deliveries: 1 },
      { id: taken, consumer: "other", deliveries: 2 },
    ]);
  });

  it("leaves an entry that was deleted or trimmed meanwhile to be committed by its holder", async () => {
    const [deleted = "", trimmed = "", kept = ""] = await deliver(3);
    await age([deleted, trimmed, kept], 50_000);
    await redis.xdel(key, trimmed);
    await redis.xtrim(key, "MINID", kept);
    expect(await mine.extend([deleted, trimmed, kept])).toStrictEqual([]);
    const fence = { kind: "group", stream: STREAM, group: GROUP } as const;
    const items = [deleted, trimmed, kept].map((id) => ({ id, effects: { append: [], count: ["done"] } }));
    const [part] = await commitOn(redis, keys, { dedupTtlMs: 1000 })(items, { fence });
    expect(part?.answer).toStrictEqual({ status: "committed", outcomes: ["applied", "applied", "applied"] });
  });

  it("of nothing asks nothing", async () => {
    await redis.del(key);
    expect(await mine.extend([])).toStrictEqual([]);
    expect(await contentsOf(redis, keys.prefix)).toStrictEqual({});
  });

  it("touches only the key it declares", async () => {
    const ids = await deliver(2);
    const access = await scriptAccess(redis, keys.prefix, () => mine.extend([...ids, "1-1"]));
    expect(access.undeclared).toStrictEqual([]);
    expect(access.touched).toBeGreaterThanOrEqual(5);
  });
});
