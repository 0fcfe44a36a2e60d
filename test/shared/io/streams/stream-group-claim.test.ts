import { describe, expect, it } from "vitest";
import { commitOn } from "../../../../shared/io/commit/commit.ts";
import { readTime } from "../../../../shared/io/redis/clock.ts";
import { addEntries, connectRedis, contentsOf, scriptAccess } from "../../../servers/redis-contents.ts";
import { freshGroup, GROUP, STREAM } from "./stream-group-fixture.ts";

const fixture = freshGroup();
const { redis, groupOf, deliver, age, claim, heartbeatOf, pending } = fixture;

describe("claim", () => {
  it("gives idle entries with their fields, in order, and counts no delivery", async () => {
    const ids = await deliver(300);
    await age(ids, 50_000, 2);
    const now = await readTime(redis);
    const claimed = await fixture.other.claim(ids, { idleMs: 40_000, now });
    expect(claimed).toStrictEqual(
      ids.map((id, n) => ({ status: "claimed", entry: { id, fields: { n: String(n) } }, deliveries: 2 })),
    );
    const rows = await pending();
    expect(new Set(rows.map(({ consumer, deliveries }) => `${consumer} ${deliveries}`))).toStrictEqual(
      new Set(["other 2"]),
    );
    expect(Math.max(...rows.map(({ idleMs }) => idleMs))).toBeLessThan(30_000);
  });

  it("does not change an entry that has not been idle for long enough", async () => {
    const ids = await deliver(1);
    await age(ids, 20_000, 2);
    expect(await claim("other", ids, 40_000)).toStrictEqual([]);
    expect(await pending()).toMatchObject([{ consumer: "mine", deliveries: 2 }]);
  });

  it("gives nothing for an entry that is acknowledged or was never delivered", async () => {
    const [id = ""] = await deliver(1);
    await redis.xack(fixture.key, GROUP, id);
    const [undelivered = ""] = await addEntries(redis, fixture.key, 1);
    expect(await claim("other", [id, undelivered], 0)).toStrictEqual([]);
    expect(await pending()).toStrictEqual([]);
  });

  it("succeeds for one of many consumers at once", async () => {
    const ids = await deliver(20);
    await age(ids, 50_000);
    const connections = Array.from({ length: 10 }, () => connectRedis());
    const now = await readTime(redis);
    const claims = await Promise.all(
      connections.map(async (connection, n) =>
        groupOf(`c${n}`, connection).claim(ids, { idleMs: 40_000, now }),
      ),
    );
    const won = claims.flatMap((claimed) => (claimed === "clock_set" ? [] : claimed));
    expect(won).toHaveLength(ids.length);
    expect((await pending()).map(({ deliveries }) => deliveries)).toStrictEqual(ids.map(() => 1));
    connections.forEach((connection) => connection.disconnect());
  });

  it("of extended entries never succeeds", async () => {
    const [kept = "", left = ""] = await deliver(2);
    await age([kept, left], 50_000);
    await fixture.mine.extend([kept]);
    expect(await claim("other", [kept, left], 40_000)).toStrictEqual([left]);
  });

  it("leaves what a consumer with a heartbeat has in flight, however long it has been idle", async () => {
    const ids = await deliver(2);
    await age(ids, 600_000);
    await heartbeatOf("mine").beat(10_000);
    expect(await claim("other", ids, 10_000)).toStrictEqual([]);
    // Its own it may take up: an answer was lost on the wire.
    expect(await claim("mine", ids.slice(0, 1), 10_000)).toStrictEqual(ids.slice(0, 1));
    await heartbeatOf("mine").end({ left: false });
    expect(await claim("other", ids, 10_000)).toStrictEqual(ids.slice(1));
  });

  it("does not believe a heartbeat from before Redis' clock was set back", async () => {
    const ids = await deliver(1);
    await age(ids, 50_000);
    const now = await readTime(redis);
    const field = `${STREAM} ${GROUP} mine`;
    await redis.hset(fixture.keys.heartbeats, field, `${now + 3_600_000} 10000`);
    expect(await claim("other", ids, 40_000)).toStrictEqual(ids);
  });

  it("does nothing when Redis' clock does not show the time that is expected", async () => {
    const ids = await deliver(1);
    await age(ids, 50_000);
    const now = await readTime(redis);
    for (const off of [-20_000, 20_000]) {
      expect(await fixture.other.claim(ids, { idleMs: 40_000, now: now + off })).toBe("clock_set");
    }
    expect(await pending()).toMatchObject([{ consumer: "mine" }]);
  });
});

describe("claim of an entry that is no longer in the stream", () => {
  it("says that it is gone and leaves it pending, so that it can become a dead letter", async () => {
    const [deleted = ""] = await deliver(1);
    // In this order, since XCLAIM of a deleted entry removes it from the pending list.
    await age([deleted], 50_000);
    await redis.xdel(fixture.key, deleted);
    expect(await claim("other", [deleted], 60_000)).toStrictEqual([]);
    expect(await claim("other", [deleted], 40_000)).toStrictEqual([`${deleted} is gone`]);
    expect(await pending()).toMatchObject([{ id: deleted }]);
    await redis.xack(fixture.key, GROUP, deleted);
    expect(await claim("other", [deleted], 40_000)).toStrictEqual([]);
  });
});

describe("abandoned", () => {
  const abandoned = async (countMax: number) =>
    (await fixture.other.abandoned({ idleMs: 40_000, countMax })).map(({ id }) => id);

  it("gives the oldest idle entries of all consumers without a heartbeat, in order", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 60; n += 1) {
      ids.push(...(await addEntries(redis, fixture.key, 1)));
      await groupOf(`c${n % 3}`).read(redis, { countMax: 1, blockMs: 0 });
      await redis.xclaim(
        ...([fixture.key, GROUP, `c${n % 3}`, 0, ids[n] ?? "", "IDLE", 50_000, "JUSTID"] as const),
      );
    }
    expect(await abandoned(100)).toStrictEqual(ids);
    const few = await abandoned(10);
    expect(few.length).toBeGreaterThanOrEqual(3);
    expect(few).toStrictEqual(ids.slice(0, few.length));
    // Neither the consumer's own nor those of a living one.
    await heartbeatOf("c1").beat(10_000);
    const others = ids.filter((_, n) => n % 3 !== 1);
    expect(await abandoned(100)).toStrictEqual(others);
    const own = await groupOf("c0").abandoned({ idleMs: 40_000, countMax: 100 });
    expect(own.map(({ id }) => id)).toStrictEqual(ids.filter((_, n) => n % 3 === 2));
  });

  it("of the consumer itself leaves out what it knows, however much that is", async () => {
    const ids = await deliver(1_200);
    await age(ids, 50_000);
    const known = new Set(ids.slice(0, 1_150));
    const own = await fixture.mine.abandonedOwn({
      idleMs: 40_000,
      countMax: 20,
      isHeld: (id) => known.has(id),
    });
    expect(own.map(({ id }) => id)).toStrictEqual(ids.slice(1_150, 1_170));
  });
});

describe("delivery counts", () => {
  it("are raised and set for entries of the consumer itself only", async () => {
    const ids = await deliver(4);
    const [foreign = "", finished = "", ...own] = ids;
    await age(ids, 50_000, 3);
    await claim("other", [finished, ...own], 40_000);
    await redis.xack(fixture.key, GROUP, finished);
    expect(await fixture.other.countDelivery(ids)).toStrictEqual(new Set(own));
    expect((await pending()).map(({ id, deliveries }) => [id, deliveries])).toStrictEqual([
      [foreign, 3],
      ...own.map((id) => [id, 4]),
    ]);
    await fixture.other.setDeliveryCounts(ids.map((id) => ({ id, deliveries: 1 })));
    expect((await pending()).map(({ deliveries }) => deliveries)).toStrictEqual([3, 1, 1]);
  });
});

describe("a heartbeat", () => {
  it("says whether the group may have a consumer that has none", async () => {
    const loop = (consumer: string): string => `signal_results log_writer ${consumer}`;
    expect(await heartbeatOf("mine").beat(10_000)).toBe(false);
    await deliver(1);
    expect(await heartbeatOf("mine").beat(10_000)).toBe(false);
    // Another loop of an older router, which has read nothing in this group yet.
    await redis.hset(fixture.keys.loops, loop("old"), await readTime(redis));
    expect(await heartbeatOf("mine").beat(10_000)).toBe(true);
    await redis.hset(fixture.keys.loops, loop("old"), (await readTime(redis)) - 4_000_000);
    expect(await heartbeatOf("mine").beat(10_000)).toBe(false);
    // Another service that reads the group.
    await addEntries(redis, fixture.key, 1);
    await groupOf("worker").read(redis, { countMax: 1, blockMs: 0 });
    expect(await heartbeatOf("mine").beat(10_000)).toBe(true);
  });

  it("that has ended still shows that its consumer is none of those", async () => {
    await deliver(1);
    await heartbeatOf("mine").beat(10_000);
    await heartbeatOf("mine").end({ left: false });
    expect(await heartbeatOf("other").beat(10_000)).toBe(false);
  });

  it("touches only the keys it declares", async () => {
    await deliver(1);
    const access = await scriptAccess(redis, fixture.keys.prefix, () => heartbeatOf("mine").beat(10_000));
    expect(access.undeclared).toStrictEqual([]);
    expect(access.touched).toBeGreaterThanOrEqual(3);
  });
});

describe("release", () => {
  it("lets others claim everything at once, and leaves the delivery counts as they are", async () => {
    const ids = await deliver(300);
    await age(ids, 0, 3);
    await fixture.mine.release();
    expect(await claim("other", ids, 600_000)).toStrictEqual(ids);
    expect(new Set((await pending()).map(({ deliveries }) => deliveries))).toStrictEqual(new Set([3]));
  });
});

describe("extend", () => {
  it("resets the idle time and counts no delivery", async () => {
    const ids = await deliver(3);
    await age(ids, 50_000, 2);
    expect(await fixture.mine.extend(ids)).toStrictEqual([]);
    const rows = await pending();
    expect(rows.map(({ id, consumer, deliveries }) => [id, consumer, deliveries])).toStrictEqual(
      ids.map((id) => [id, "mine", 2]),
    );
    for (const { idleMs } of rows) expect(idleMs).toBeLessThan(30_000);
  });

  it("gives the ids that others claimed or that are acknowledged, and claims none of them", async () => {
    const [own = "", taken = "", acknowledged = ""] = await deliver(3);
    await age([own, taken, acknowledged], 50_000);
    await claim("other", [taken], 40_000);
    await redis.xack(fixture.key, GROUP, acknowledged);
    expect(await fixture.mine.extend([own, taken, acknowledged, "99-99"])).toStrictEqual([
      taken,
      acknowledged,
      "99-99",
    ]);
    expect(await pending()).toMatchObject([
      { id: own, consumer: "mine", deliveries: 1 },
      { id: taken, consumer: "other", deliveries: 1 },
    ]);
  });

  it("leaves an entry that was deleted or trimmed pending, so that it can be committed", async () => {
    const [deleted = "", trimmed = "", kept = ""] = await deliver(3);
    await age([deleted, trimmed, kept], 50_000);
    await redis.xdel(fixture.key, trimmed);
    await redis.xtrim(fixture.key, "MINID", kept);
    expect(await fixture.mine.extend([deleted, trimmed, kept])).toStrictEqual([]);
    const fence = { kind: "group", stream: STREAM, group: GROUP } as const;
    const items = [deleted, trimmed, kept].map((id) => ({ id, effects: { append: [], count: ["done"] } }));
    const [part] = await commitOn(redis, fixture.keys, { dedupTtlMs: 1000 })(items, { fence });
    expect(part?.answer).toStrictEqual({ status: "committed", outcomes: ["applied", "applied", "applied"] });
  });

  it("of no entries sends no command", async () => {
    await redis.del(fixture.key);
    expect(await fixture.mine.extend([])).toStrictEqual([]);
    expect(await contentsOf(redis, fixture.keys.prefix)).toStrictEqual({});
  });

  it("touches only the key it declares", async () => {
    const ids = await deliver(2);
    const access = await scriptAccess(redis, fixture.keys.prefix, () => fixture.mine.extend([...ids, "1-1"]));
    expect(access.undeclared).toStrictEqual([]);
    expect(access.touched).toBeGreaterThanOrEqual(5);
  });
});
